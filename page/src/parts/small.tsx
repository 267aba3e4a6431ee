// Small things that every view uses.
import type { ButtonHTMLAttributes, ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import type { Problem } from "../source";
import { connected, UNSAVED } from "../store";

/** Says that something is on its way, once it takes longer than a moment. */
export function Busy({ words = "One moment" }: { words?: string }): VNode {
  const [late, set] = useState(false);
  useEffect(() => { const timer = setTimeout(() => set(true), 250); return () => clearTimeout(timer); }, []);
  return <p class="busy" role="status">{late ? `${words} …` : ""}</p>;
}

export function Trouble({ problem }: { problem: Problem }): VNode {
  if (problem.kind === "offline") return <p class="quiet">{problem.message}</p>;
  return <p class="trouble" role="alert">{problem.message}</p>;
}

/** A button that changes the graph, or starts work: off, and saying why, while the service cannot be reached. */
export function WriteButton({ disabled, title, type = "button", ...rest }: ButtonHTMLAttributes<HTMLButtonElement>): VNode {
  const off = !useCell(connected);
  return <button type={type} disabled={off || disabled} title={off ? UNSAVED : title} {...rest} />;
}

/** Words in place of what is not there, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): VNode {
  return <div class="empty"><h2>{title}</h2>{children}</div>;
}

/** A share as a bar with its number. */
export function Bar({ value, colour }: { value: number; colour?: string }): VNode {
  const width = `${Math.round(1000 * Math.min(1, Math.max(0, value))) / 10}%`;
  return <span class="bar" aria-hidden="true"><span style={{ width, ...(colour ? { background: colour } : {}) }} /></span>;
}

export interface Column<T> { key: string; head: string; number?: boolean; cell: (row: T) => ComponentChildren }

export function Table<T>({ columns, rows, caption }: { columns: Column<T>[]; rows: T[]; caption: string }): VNode {
  return (
    <div class="table" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead><tr>{columns.map((one) => <th key={one.key} scope="col" class={one.number ? "number" : ""}>{one.head}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>{columns.map((one) => <td key={one.key} class={one.number ? "number" : ""}>{one.cell(row)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
