// Questions that were asked in this browser, the last first.
import type { VNode } from "preact";
import { cell, useCell } from "../cell";
import type { Given } from "./params";

interface Asked {
  text: string;
  params: Given;
}

const KEY = "kgkt-asked";
const MOST = 20;

const recent = cell<readonly Asked[]>(read());

export function remember(text: string, params: Given): void {
  const next = [{ text, params }, ...recent.value.filter((one) => one.text !== text)].slice(0, MOST);
  recent.set(next);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // then it holds while the page is open
  }
}

function read(): Asked[] {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(held)
      ? held.filter((one: Asked) => typeof one?.text === "string" && typeof one.params === "object")
      : [];
  } catch (error) {
    if (error instanceof DOMException || error instanceof SyntaxError) return [];
    throw error;
  }
}

export function Recent({ again }: { again: (text: string, params: Given) => void }): VNode | null {
  const all = useCell(recent);
  if (all.length === 0) return null;
  return (
    <details class="recent">
      <summary>Asked before</summary>
      <ul>
        {all.map((one) => (
          <li key={one.text}>
            <button type="button" class="code" title={one.text} onClick={() => again(one.text, one.params)}>
              {one.text}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
