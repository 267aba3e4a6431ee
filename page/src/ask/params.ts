// Parameters of a question: which it has, and what a person typed for them.
import type { Shipped, Value } from "../types";

export type Given = Record<string, string>;

/** Names of the parameters of a text, or of the shipped question that it names; `graph` is given by the page. */
export function paramsIn(text: string, shipped: readonly Shipped[]): string[] {
  const named = shipped.find((one) => one.name === text.trim());
  if (named) return Object.keys(named.params);
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, " ");
  const names = [...bare.matchAll(/\$([A-Za-z_]\w*)/g)].map((found) => found[1]!);
  return [...new Set(names)].filter((name) => name !== "graph");
}

/** What a person typed as a value: a number, true, false, a list; anything else is text. */
export function valueOf(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

export function defaultsOf(one: Shipped): Given {
  return Object.fromEntries(Object.entries(one.params).map(([name, held]) => [name, typed(held)]));
}

function typed(held: Value): string {
  return held === null ? "" : typeof held === "string" ? held : JSON.stringify(held);
}

/** Parameters as they stand in an address. */
export function paramsOf(text: string | undefined): Given {
  if (!text) return {};
  try {
    const held: unknown = JSON.parse(text);
    if (!held || typeof held !== "object") return {};
    return Object.fromEntries(Object.entries(held).map(([key, value]) => [key, String(value)]));
  } catch (error) {
    if (error instanceof SyntaxError) return {}; // an address that somebody wrote
    throw error;
  }
}
