// How numbers and things are said.
export const count = (n: number): string => n.toLocaleString("en-US");

export const items = (n: number): string => `${count(n)} ${n === 1 ? "item" : "items"}`;

export const concepts = (n: number): string => `${count(n)} ${n === 1 ? "concept" : "concepts"}`;

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
