// What B gained: before and after beside every control, and what was written into which layer.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Bar, Busy, Table, Trouble } from "../parts/small";
import { at } from "../store";
import type { Value } from "../types";
import { useGet } from "../use";
import { count, figure, share } from "../words";
import { blockWords, type Fused, type WorthRow } from "./shapes";

interface Report { tables: { metric: string; title: string; columns: string[]; rows: Value[][] }[] }

export function Worth({ fused }: { fused: Fused }): VNode {
  const { figures, rows, written } = fused;
  return (
    <section aria-label="What it was worth">
      <h2>What it was worth</h2>
      {rows.length > 0
        ? <Rows rows={rows} items={figures["test_items"] ?? null} />
        : <p>Not measured: there was no test set. Fuse with one to see B alone beside B fused.</p>}
      <p class="quiet">{[
        figures["held_out_loss"] != null ? `held-out loss ${figure(figures["held_out_loss"])}` : "",
        figures["steps"] != null ? `${count(figures["steps"])} steps` : "",
        figures["best_step"] != null ? `best at ${count(figures["best_step"])}` : "",
        `in ${fused.out}${fused.exists === false ? ", which is no longer there" : ""}`,
      ].filter(Boolean).join(" · ")}</p>
      {Object.keys(written ?? {}).length > 0 && (
        <ul class="written">
          {Object.entries(written).map(([layer, one]) => (
            <li key={layer}><strong>{layer}</strong> {one.written ? "was written" : "was not written"} ({blockWords(one.kind, one.blocks)}): {one.why}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Rows({ rows, items }: { rows: WorthRow[]; items: number | null }): VNode {
  return (
    <>
      <Table caption="Accuracy on the test set" rows={rows} columns={[
        { key: "title", head: "On the test set", cell: (row) => (
          <>{row.method === "fused" ? <strong>{row.title}</strong> : row.title}{row.value !== null && <Bar value={row.value} />}</>) },
        { key: "value", head: "Accuracy", number: true, cell: (row) => share(row.value, 1) },
        { key: "minus", head: "B fused minus it", number: true, cell: (row) => row.minus === null ? "" : points(row.minus, row.error) },
      ]} />
      {items !== null && <p class="quiet">{count(items)} test items. ± is one standard error.</p>}
    </>
  );
}

function points(value: number, error: number | null): string {
  const sign = value < 0 ? "−" : "+";
  return `${sign}${Math.abs(100 * value).toFixed(1)}${error === null ? "" : ` ±${(100 * error).toFixed(1)}`}`;
}

/** The tables of the last `kgkt evaluate`: every control, where it was run; read when they are opened. */
export function Controls(): VNode {
  const [open, set] = useState(false);
  return (
    <details onToggle={(event) => set(event.currentTarget.open)}>
      <summary>Beside every control (kgkt evaluate)</summary>
      {open && <Tables />}
    </details>
  );
}

function Tables(): VNode {
  const { value, problem } = useGet<Report>(at("report"));
  if (problem?.kind === "missing") return <p class="quiet">Not measured: <code>kgkt evaluate</code> was not run for this graph.</p>;
  if (problem) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  return (
    <>
      {value.tables.map((table) => (
        <section key={table.metric} aria-label={table.title}>
          <h3>{table.title}</h3>
          <Table caption={table.title} rows={table.rows} columns={table.columns.map((head, at) => ({
            key: `${at}`, head, number: at > 0, cell: (row: Value[]) => shown(row[at]) }))} />
        </section>
      ))}
    </>
  );
}

function shown(value: Value | undefined): string {
  if (value === null || value === undefined) return "not measured";
  return typeof value === "number" ? figure(value) : String(value);
}
