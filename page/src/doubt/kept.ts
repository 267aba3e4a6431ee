// Labels that a person looked at and kept, in this browser: the graph has no word for it, and would show them again.
import { cell } from "../cell";
import { graph } from "../store";

export const kept = cell<ReadonlySet<string>>(new Set());

const keyOf = (): string => `kgkt-kept ${graph.value}`;
export const nameOf = (item: string, given: string): string => `${given}\n${item}`;

function read(): void {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(keyOf()) ?? "[]");
    kept.set(new Set(Array.isArray(held) ? held.map(String) : []));
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error;
    kept.set(new Set());
  }
}

function write(next: ReadonlySet<string>): void {
  kept.set(next);
  try {
    localStorage.setItem(keyOf(), JSON.stringify([...next]));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // then it holds while the page is open
  }
}

export const keep = (item: string, given: string): void => write(new Set([...kept.value, nameOf(item, given)]));
export const unkeep = (item: string, given: string): void =>
  write(new Set([...kept.value].filter((one) => one !== nameOf(item, given))));
export const unkeepAll = (): void => write(new Set());

graph.subscribe(read);
if (graph.value) read();
