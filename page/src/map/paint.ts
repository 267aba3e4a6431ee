// Draws nodes: a concept as its picture in a frame of its colour or as a mark, a theme as a ring of its shares.
import type { MapData, State } from "../types";
import { bright, paled } from "./contrast";
import type { Glyphs } from "./glyphs";
import type { Cut, Near, Sheets } from "./images";
import type { Group } from "./places";
import type { Scheme } from "./scheme";

export interface Look {
  scheme: Scheme;
  state: State;
  only: ReadonlySet<string>;      // entries of the legend that are shown; empty: all
  chosen: ReadonlySet<number>;
  marked: ReadonlySet<number>;    // told of by another view: the rest is pale
}

export interface Inks { paper: string; ink: string; quiet: string; accent: string; edge: string; sheet: string }

export interface Brush { pen: CanvasRenderingContext2D; data: MapData; look: Look; inks: Inks; glyphs: Glyphs; sheets: Sheets | null; near: Near | null }

export const PICTURE = 5.5;    // pixels of radius from which a picture is drawn
export const NEAR = 24;       // …from which examples are shown
const BADGE = 12;             // …from which a picture has a mark of its class
const FAINT = 0.13;
const TURN = 2 * Math.PI;

export function isFaint({ scheme, only, marked }: Look, concept: number): boolean {
  if (marked.size && !marked.has(concept)) return true;
  return only.size > 0 && !only.has(scheme.entries[scheme.of[concept]!]!.key);
}

export function concept(brush: Brush, number: number, x: number, y: number, radius: number): void {
  const { pen, data, look, inks, glyphs, sheets } = brush;
  const entry = look.scheme.entries[look.scheme.of[number]!]!;
  const firm = look.scheme.firm[number]!;
  const off = !data.active[number];
  const faint = isFaint(look, number);
  pen.globalAlpha = faint ? FAINT : 1;
  const cut = radius >= PICTURE ? sheets?.get(number) : null;
  if (!cut) glyphs.put(pen, entry, firm, off, x, y, radius);
  else {
    framed(pen, cut, paled(entry.colour, inks.paper, firm), inks, off, faint, x, y, radius);
    if (radius >= BADGE && !faint) glyphs.put(pen, entry, firm, off, x + radius * 0.86, y - radius * 0.86, Math.min(8, radius * 0.34));
  }
  if (look.state.labels[number]! > 0 && radius >= PICTURE && !faint) flag(pen, inks, x - radius * 0.86, y - radius * 0.86, Math.min(5, radius * 0.25));
  pen.globalAlpha = 1;
}

function framed(pen: CanvasRenderingContext2D, cut: Cut, colour: string, { paper, edge }: Inks, off: boolean, faint: boolean, x: number, y: number, radius: number): void {
  const wide = Math.max(1.5, Math.min(5, radius * 0.16));
  if (off) {
    pen.fillStyle = paper;
    pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    pen.globalAlpha = faint ? FAINT : 0.3;
  } else {
    pen.fillStyle = colour;
    pen.fillRect(x - radius - wide, y - radius - wide, 2 * (radius + wide), 2 * (radius + wide));
    pen.strokeStyle = edge;  // a pale frame has an edge on either ground
    pen.lineWidth = 1;
    pen.strokeRect(x - radius - wide, y - radius - wide, 2 * (radius + wide), 2 * (radius + wide));
  }
  pen.imageSmoothingEnabled = 2 * radius < cut.width;
  pen.drawImage(cut.image, cut.x, cut.y, cut.width, cut.height, x - radius, y - radius, 2 * radius, 2 * radius);
  if (!off) return;
  pen.globalAlpha = faint ? FAINT : 1;
  pen.strokeStyle = colour;
  pen.lineWidth = wide * 0.7;
  pen.setLineDash([wide * 1.6, wide * 1.4]);
  pen.strokeRect(x - radius - wide / 2, y - radius - wide / 2, 2 * radius + wide, 2 * radius + wide);
  pen.setLineDash([]);
}

// A point on a concept that holds a label.
function flag(pen: CanvasRenderingContext2D, { paper, ink }: Inks, x: number, y: number, radius: number): void {
  pen.fillStyle = ink;
  pen.strokeStyle = paper;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.arc(x, y, radius, 0, TURN);
  pen.fill();
  pen.stroke();
}

/** A theme: its largest concept in the middle, and around it a ring that says how its items are shared out. */
export function theme(brush: Brush, group: Group, x: number, y: number, radius: number): void {
  const { pen, data, look, inks, glyphs, sheets } = brush;
  const counts = new Float64Array(look.scheme.entries.length);
  let seen = 0;
  for (const i of group.members) {
    if (isFaint(look, i)) continue;
    counts[look.scheme.of[i]!]! += data.sizes[i]!;
    seen += data.sizes[i]!;
  }
  pen.globalAlpha = seen ? 1 : FAINT;
  pen.fillStyle = inks.paper;
  pen.beginPath();
  pen.arc(x, y, radius + 1, 0, TURN);
  pen.fill();
  ring(brush, counts, group.items, x, y, radius);
  const largest = group.members.reduce((a, b) => data.sizes[b]! > data.sizes[a]! ? b : a);
  const cut = sheets?.get(largest);
  if (cut && radius > 18) {
    const half = radius * 0.46;
    pen.imageSmoothingEnabled = 2 * half < cut.width;
    pen.drawImage(cut.image, cut.x, cut.y, cut.width, cut.height, x - half, y - half, 2 * half, 2 * half);
  } else {
    const most = counts.indexOf(Math.max(...counts));
    const entry = look.scheme.entries[most]!;
    if (seen && radius > 14) glyphs.put(pen, entry, 1, false, x, y, radius * 0.32);
  }
  pen.globalAlpha = 1;
}

function ring({ pen, look, inks }: Brush, counts: Float64Array, items: number, x: number, y: number, radius: number): void {
  const wide = Math.max(3, radius * 0.24), middle = radius - wide / 2;
  let from = -Math.PI / 2;
  pen.lineWidth = wide;
  const part = (share: number, colour: string): void => {
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(x, y, middle, from, from + share * TURN);
    pen.stroke();
    from += share * TURN;
  };
  counts.forEach((count, at) => { if (count > 0) part(count / items, bright(look.scheme.entries[at]!.colour, inks.paper)); });
  const rest = 1 - counts.reduce((sum, count) => sum + count, 0) / items;
  if (rest > 1e-6) part(rest, inks.sheet);
  pen.strokeStyle = inks.edge;
  pen.lineWidth = 1;
  for (const at of [radius, radius - wide]) {
    pen.beginPath();
    pen.arc(x, y, at, 0, TURN);
    pen.stroke();
  }
}

/** A ring around what is chosen, marked, under the pointer, or has the keyboard. */
export function around({ pen, inks }: Brush, x: number, y: number, radius: number, kind: "chosen" | "marked" | "hover" | "focus", round: boolean): void {
  const outer = radius + 6;
  for (const [colour, wide] of [[inks.paper, 5], [kind === "hover" ? inks.ink : inks.accent, kind === "hover" ? 2 : 3]] as const) {
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    if (kind === "focus" && colour !== inks.paper) pen.setLineDash([5, 4]);
    pen.beginPath();
    if (round || kind === "marked") pen.arc(x, y, outer + (round ? 0 : radius * 0.35), 0, TURN);
    else pen.rect(x - outer, y - outer, 2 * outer, 2 * outer);
    pen.stroke();
  }
  pen.setLineDash([]);
}

/** Under a concept that is near: its other examples, as pictures or as lines of text. Says how high that is. */
export function examples(brush: Brush, number: number, x: number, top: number, radius: number): number {
  const { pen, inks, near } = brush;
  const all = near?.examples(number)?.slice(1) ?? [];
  if (!all.length) return 0;
  if (!all.some((one) => one.picture)) return texts(brush, all.flatMap((one) => one.text ?? []), x, top);
  const side = stripHeight(radius) - 4;
  all.forEach((one, at) => {
    const cut = near?.picture(one.item), left = x - radius + at * ((2 * radius) / IN_STRIP);
    if (!cut) { pen.fillStyle = inks.sheet; pen.fillRect(left, top, side, side); return; }
    pen.imageSmoothingEnabled = side < cut.width;
    pen.drawImage(cut.image, cut.x, cut.y, cut.width, cut.height, left, top, side, side);
  });
  return side + 4;
}

const IN_STRIP = 5;

/** How high the examples under a node are. */
export const stripHeight = (radius: number): number => (2 * radius) / IN_STRIP + 2;

export const shortened = (words: string): string => words.length > 26 ? `${words.slice(0, 25)}…` : words;

const LINE = 14, LETTERS = 34;

/** How wide and high texts under a node are, at most. */
export const TEXTS = [6.8 * LETTERS, 3 * LINE + 2] as const;

function texts(brush: Brush, all: string[], x: number, top: number): number {
  all.slice(0, 3).forEach((text, at) => {
    name(brush, text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text, x, top + at * LINE + 7, false, brush.inks.quiet);
  });
  return LINE * Math.min(3, all.length) + 2;
}

/** Words with a rim of paper, their middle at x. */
export function name({ pen, inks }: Brush, words: string, x: number, y: number, strong: boolean, ink = inks.ink): void {
  pen.font = `${strong ? "600 " : ""}12px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.strokeStyle = inks.paper;
  pen.lineWidth = 3.5;
  pen.strokeText(words, x, y);
  pen.fillStyle = ink;
  pen.fillText(words, x, y);
}

/** The line that is being drawn around what shall be chosen. */
export function lasso({ pen, inks }: Brush, points: [number, number][]): void {
  pen.beginPath();
  points.forEach(([x, y], at) => at ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.closePath();
  pen.globalAlpha = 0.15;
  pen.fillStyle = inks.accent;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = inks.accent;
  pen.lineWidth = 2;
  pen.setLineDash([6, 4]);
  pen.stroke();
  pen.setLineDash([]);
}
