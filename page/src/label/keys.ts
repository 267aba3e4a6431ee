// Which key gives which class: the digits where all classes are digits, else 1-9 and 0 in the order in which classes
// were first seen, so that a class that is added moves no other's key.
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

let of = "";
let seen: string[] = [];

export function keysOf(graph: string, classes: readonly string[]): Map<string, string> {
  if (graph !== of) {
    of = graph;
    seen = [];
  }
  seen = [...seen.filter((name) => classes.includes(name)), ...classes.filter((name) => !seen.includes(name))];
  if (classes.every((name) => DIGITS.includes(name))) return new Map(classes.map((name) => [name, name]));
  return new Map(seen.slice(0, DIGITS.length).map((name, place) => [name, DIGITS[place]!]));
}
