// Where nodes are drawn: the computed layout, nodes that lie on each other moved apart a little, and themes at the
// middle of their concepts. The same graph gives the same places, on every screen.
import type { MapData } from "../types";
import { themeWords } from "../words";

export interface Places {
  x: Float32Array; y: Float32Array;  // per concept, -1..1
  radius: Float32Array;              // per concept, pixels of the reference view when all of the map is seen
  shown: number[];                   // concepts that are not merged into another one
}

export interface Group { theme: number; name: string; members: number[]; items: number; x: number; y: number; radius: number }

const WIDE = 1000, HIGH = 700;   // the reference view, in pixels
const MOST = 1500;               // concepts that are moved apart; more of them are dots until one zooms in
const ROUNDS = 160;
const ROOM = 1.42;               // radii between two middles: squares and their frames do not touch
const EVEN = 0.6;                // share of the rank in a place: a few far concepts do not press the others together
export const THEMES_FROM = 200;  // more concepts than this begin as themes

export function placesOf(data: MapData): Places {
  const k = data.x.length;
  const shown = Array.from({ length: k }, (_, i) => i).filter((i) => data.into[i] === i);
  const radius = radii(data, shown);
  const [x, y] = [even(data.x, shown), even(data.y, shown)];
  if (shown.length <= MOST) apart(x, y, radius, shown);
  return { x, y, radius, shown };
}

// The area of a node says how many items the concept holds.
function radii(data: MapData, shown: number[]): Float32Array {
  const out = new Float32Array(data.x.length);
  const mean = shown.reduce((sum, i) => sum + data.sizes[i]!, 0) / Math.max(shown.length, 1) || 1;
  const usual = Math.min(22, Math.max(3, 0.27 * Math.sqrt((WIDE * HIGH) / Math.max(shown.length, 1))));
  for (const i of shown) out[i] = usual * Math.min(1.9, Math.max(0.6, Math.sqrt(data.sizes[i]! / mean)));
  return out;
}

function unit(values: readonly number[], shown: number[]): Float32Array {
  let low = Infinity, high = -Infinity;
  for (const i of shown) { low = Math.min(low, values[i]!); high = Math.max(high, values[i]!); }
  const half = (high - low) / 2 || 1;
  return Float32Array.from(values, (value) => (value - (low + high) / 2) / half);
}

// Along one axis, between the value and its rank.
function even(values: readonly number[], shown: number[]): Float32Array {
  const out = unit(values, shown);
  const order = [...shown].sort((a, b) => values[a]! - values[b]! || a - b);
  const last = Math.max(order.length - 1, 1);
  order.forEach((i, rank) => { out[i] = (1 - EVEN) * out[i]! + EVEN * ((2 * rank) / last - 1); });
  return out;
}

// Pushes apart what overlaps, in pixels of the reference view, and pulls everything softly home.
function apart(x: Float32Array, y: Float32Array, radius: Float32Array, which: number[], gap = 3): void {
  const px = Float32Array.from(x, (v) => (v * WIDE) / 2), py = Float32Array.from(y, (v) => (v * HIGH) / 2);
  const [hx, hy] = [px.slice(), py.slice()];
  const side = 2 * ROOM * which.reduce((most, i) => Math.max(most, radius[i]!), 1) + gap;
  for (let round = 0; round < ROUNDS; round++) {
    const cells = new Map<number, number[]>();
    const cell = (i: number): number => Math.floor(px[i]! / side) * 4096 + Math.floor(py[i]! / side);
    for (const i of which) {
      const key = cell(i);
      const there = cells.get(key);
      if (there) there.push(i); else cells.set(key, [i]);
    }
    for (const i of which) {
      const key = cell(i);
      for (const step of [0, 1, 4095, 4096, 4097]) {
        for (const j of cells.get(key + step) ?? []) if (step !== 0 || j > i) push(px, py, i, j, ROOM * (radius[i]! + radius[j]!) + gap);
      }
    }
    const pull = 0.03 * (1 - round / ROUNDS);
    for (const i of which) { px[i]! += (hx[i]! - px[i]!) * pull; py[i]! += (hy[i]! - py[i]!) * pull; }
  }
  x.set(unit(px as unknown as number[], which));
  y.set(unit(py as unknown as number[], which));
}

function push(x: Float32Array, y: Float32Array, i: number, j: number, wanted: number): void {
  let dx = x[j]! - x[i]!, dy = y[j]! - y[i]!;
  let far = Math.hypot(dx, dy);
  if (far >= wanted) return;
  if (far < 1e-3) { dx = Math.cos(i * 2.4 + j); dy = Math.sin(i * 2.4 + j); far = 1; }  // on one place: any direction
  const half = (wanted - Math.hypot(x[j]! - x[i]!, y[j]! - y[i]!)) / 2 / far;
  x[i]! -= dx * half; y[i]! -= dy * half;
  x[j]! += dx * half; y[j]! += dy * half;
}

/** Themes of two concepts or more, in their middle; none where all concepts can be seen at once. */
export function groupsOf(data: MapData, places: Places): Group[] {
  if (places.shown.length <= THEMES_FROM) return [];
  const members = new Map<number, number[]>();
  for (const i of places.shown) {
    const theme = data.themes[i]!;
    if (theme >= 0) members.set(theme, [...(members.get(theme) ?? []), i]);
  }
  const names = new Map(data.theme_names.map((one) => [one.number, themeWords(one)]));
  const all = data.sizes.reduce((sum, size) => sum + size, 0) || 1;
  const groups = [...members].filter(([, part]) => part.length > 1).map(([theme, part]): Group => {
    const items = part.reduce((sum, i) => sum + data.sizes[i]!, 0);
    const middle = (of: Float32Array): number => part.reduce((sum, i) => sum + of[i]! * data.sizes[i]!, 0) / (items || 1);
    const radius = Math.min(92, Math.max(16, 165 * Math.sqrt(items / all)));
    return { theme, name: names.get(theme) ?? `theme ${theme}`, members: part, items, x: middle(places.x), y: middle(places.y), radius };
  });
  if (groups.length < 2) return [];
  return spread(groups);
}

function spread(groups: Group[]): Group[] {
  const x = Float32Array.from(groups, (one) => one.x), y = Float32Array.from(groups, (one) => one.y);
  const radius = Float32Array.from(groups, (one) => one.radius);
  const which = groups.map((_, at) => at);
  apart(x, y, radius, which, 14);
  const inside = (value: number): number => 0.86 * value;  // a large node does not stick out of the view
  return groups.map((one, at) => ({ ...one, x: inside(x[at]!), y: inside(y[at]!) }));
}
