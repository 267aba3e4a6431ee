// How numbers and things are said.
export const count = (n: number): string => n.toLocaleString("en-US");

export const items = (n: number): string => `${count(n)} ${n === 1 ? "item" : "items"}`;

export const concepts = (n: number): string => `${count(n)} ${n === 1 ? "concept" : "concepts"}`;

/** A concept by its name: an item, its medoid, can be called the same. */
export const conceptNamed = (name: string): string => /^concept\b/i.test(name) ? name : `concept ${name}`;

/** What an edit did, as a list of edits says it: its words say the verb, but for an edit that is not known to the end. */
export function editWords(verb: string, what: string): string {
  if (what.startsWith("cannot ")) return `${verb}, ${what}`;
  return verb === "label" && / (is|has) /.test(what) ? `item ${what}` : what;
}

/** "Show 48 more of 310": what a button shows of those that are left. */
export const moreWords = (most: number, left: number): string =>
  left > most ? `Show ${count(most)} more of ${count(left)}` : `Show the other ${count(left)}`;

/** A time as people here write it. */
export function localTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleString();
}

/** Words with every time in them, in ISO 8601, as people here write it. */
export const withLocalTimes = (words: string): string =>
  words.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?/g, localTime);

export const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/** A share as a percentage; null is what was not measured. */
export function share(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined ? "not measured" : `${(100 * value).toFixed(digits)} %`;
}

/** Three significant digits at most. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return "not measured";
  return Number.isInteger(value) ? count(value) : Number(value.toPrecision(3)).toString();
}

/** What a theme is called: the words of its largest concepts, else its name. */
export const themeWords = ({ name, title }: { name: string; title?: string | null }): string => title || name;
