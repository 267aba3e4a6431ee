// What the service says of B in the words of the command line and of its files, in those of the page.
import { NAMES } from "./fields";

const INPUTS: Record<string, string> = { targets: "what the labels teach", graph: "the graph", b: "B", classes: "the classes" };

const WORDS: [RegExp, (...parts: string[]) => string][] = [
  [/^changed since map: (.*); mapping again$/, (_, what) => `Since B was mapped ${listOf(what!)} changed, so it is mapped again.`],
  [/^changed since propagate: (.*); propagating again$/,
    (_, what) => `Since the items' answer was worked out ${listOf(what!)} changed, so it is worked out again.`],
  [/\[target\] classes leaves out (.*?): name every class with a label or a tick/,
    (_, names) => `"Classes of B, in order" leaves out ${names}: every class with a label must be there, or B must grow by it`],
  [/held-out loss (\S+) by (\S+) ±(\S+) nats after (\d+) steps/,
    (_, word, by, error, steps) => `the loss on items held back is ${word} by ${by} ±${error} after ${steps} steps`],
  [/ nats\b/g, () => ""],
  [/^new after the order was frozen: (.+); B now needs ([\d,]+) outputs$/s,
    (_, names, outputs) => `New class: ${names}. A B needs ${outputs} outputs now, one for each class.`],
  [/, with --target-classes or \[target\] classes in kgkt\.toml|: --target-classes a,b,…/, () => `, in "${NAMES.classes}"`],
  [/--target-data( FILE(\.npz)?)?/g, () => `"${NAMES.data}"`],
];

const listOf = (names: string): string => names.split(", ").map((name) => INPUTS[name] ?? name).join(" and ");

export const plainly = (words: string): string => WORDS.reduce((text, [of, say]) => text.replace(of, say), words);
