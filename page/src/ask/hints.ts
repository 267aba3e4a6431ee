// What a parameter of a shipped question wants: a class, a concept, a number.
import type { Shipped } from "../types";

const HINTS: Record<string, string> = {
  above: "a number from 0 to 1", below: "a number from 0 to 1", class: "a class", concept: "a concept, name or number",
  from: "a concept, name or number", index: "number of the block in its layer", into: "name of a graph or a B",
  item: "id of an item", layer: "a layer of it", limit: "rows at most", model: "name of a mapped B",
  theme: "a theme, name or number", to: "a concept, name or number", word: "a word",
};

/** "a class": empty where nothing is known of it, as in a person's own question. */
export function hintOf(name: string, of: Shipped | undefined): string {
  if (!of) return "";
  const kind = listOf(name, of);
  return HINTS[name] ?? (kind === "class" ? "a class" : kind === "concept" ? "a concept, name or number" : "");
}

/** Names of which kind may be offered for it; a and b of a question are two classes or two concepts. */
export function listOf(name: string, of: Shipped): "class" | "concept" | null {
  if (name === "class" || name === "concept") return name;
  if (name === "from" || name === "to") return "concept";
  if (name === "a" || name === "b") return /class/i.test(of.doc) ? "class" : "concept";
  return null;
}
