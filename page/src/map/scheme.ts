// What colours the map: entries with a colour and a mark each, the entry of every concept, and how firm it is.
import { COLOURS, lookOf, NO_CLASS, type Shape, SHAPES } from "../parts/classes";
import type { Colour } from "../store";
import type { MapData, State } from "../types";
import { themeWords } from "../words";

/** A shape, an open ring, or a disc that is filled in quarters: 0 to 4. */
export type Mark = Shape | "ring" | 0 | 1 | 2 | 3 | 4;

export interface Entry { key: string; label: string; colour: string; mark: Mark }

/** `what`: what the entries are steps of, where they do not say so themselves. */
export interface Scheme { title: string; what?: string; entries: Entry[]; of: Int16Array; firm: Float32Array }

const DOUBT = ["#7fb2df", "#a9c08a", "#e3c04e", "#e0862f", "#c0392b"];
const MUCH = ["#b4bcc6", "#8cc5b3", "#53b394", "#218f70", "#0e6a52"];
const STEPS = [0.05, 0.25, 0.5, 0.75];  // where the next of five steps begins
const WORDS = ["under 5 %", "5 to 25 %", "25 to 50 %", "50 to 75 %", "over 75 %"];
const THEMES = 24;  // themes that have an entry of their own

export function schemeOf(colour: Colour, data: MapData, state: State): Scheme {
  if (colour === "theme") return byTheme(data);
  if (colour === "doubt") return bySteps("Doubt", "How much a concept's class is in doubt", DOUBT, data, (i) => state.best[i]! < 0 ? null : state.doubt[i]!, "no class");
  if (colour === "reach") return bySteps("Reached B", "How much of a concept reached B", MUCH, data, (i) => data.reach?.[i] ?? null, "not mapped");
  if (colour.startsWith("source:")) {
    const name = colour.slice(7);
    return bySteps(`Share of ${name}`, `How much of a concept is of the source ${name}`, MUCH, data, (i) => data.sources?.[name]?.[i] ?? null, "not known");
  }
  return byClass(data, state);
}

/** The colours that this graph can be shown in. */
export function coloursOf(data: MapData): { colour: Colour; words: string }[] {
  const sources = Object.keys(data.sources ?? {});
  return [
    { colour: "class", words: "Class" },
    { colour: "theme", words: "Theme" },
    { colour: "doubt", words: "Doubt" },
    ...(sources.length > 1 ? sources.map((name) => ({ colour: `source:${name}` as Colour, words: `Source ${name}` })) : []),
    ...(data.reach ? [{ colour: "reach" as Colour, words: "What reached B" }] : []),
  ];
}

function byClass(data: MapData, state: State): Scheme {
  const c = state.classes.length;
  const entries: Entry[] = state.classes.map((name) => {
    const { colour, shape } = lookOf(name);
    return { key: `class ${name}`, label: name, colour, mark: shape };
  });
  entries.push({ key: "none", label: "no class", colour: NO_CLASS, mark: "ring" });
  const of = Int16Array.from(data.x, (_, i) => state.best[i]! < 0 || state.best[i] === undefined ? c : state.best[i]!);
  const chance = 1 / Math.max(c, 1);  // the mass of a class about which nothing is known
  const firm = Float32Array.from(data.x, (_, i) => of[i] === c ? 1
    : c < 2 ? 1 : Math.min(1, Math.max(0, (1 - state.doubt[i]! - chance) / (1 - chance))));
  return { title: "Class", entries, of, firm };
}

function byTheme(data: MapData): Scheme {
  const first = [...data.theme_names].sort((a, b) => b.size - a.size || a.number - b.number).slice(0, THEMES);
  const entries: Entry[] = first.map((one, place) => ({
    key: `theme ${one.number}`, label: themeWords(one), colour: COLOURS[place % COLOURS.length]!,
    mark: SHAPES[(place + 5 * Math.floor(place / COLOURS.length)) % SHAPES.length]!,
  }));
  const place = new Map(first.map(({ number }, at) => [number, at]));
  const of = Int16Array.from(data.themes, (theme) => place.get(theme) ?? entries.length);
  if (of.includes(entries.length)) entries.push({ key: "none", label: "smaller themes", colour: NO_CLASS, mark: "ring" });
  return { title: "Theme", entries, of, firm: new Float32Array(of.length).fill(1) };
}

function bySteps(title: string, what: string, colours: string[], data: MapData, value: (i: number) => number | null, missing: string): Scheme {
  const entries: Entry[] = WORDS.map((label, step) => (
    { key: `step ${step}`, label, colour: colours[step]!, mark: step as Mark }));
  entries.push({ key: "none", label: missing, colour: NO_CLASS, mark: "ring" });
  const of = Int16Array.from(data.x, (_, i) => {
    const found = value(i);
    return found === null ? STEPS.length + 1 : STEPS.filter((least) => found >= least).length;
  });
  return { title, what, entries, of, firm: new Float32Array(of.length).fill(1) };
}
