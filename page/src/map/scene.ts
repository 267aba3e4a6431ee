// What there is to draw: a node for each concept, or for a theme that is not open, and the lines between nodes.
import type { MapData } from "../types";
import type { Segment } from "./edges";
import type { Group, Places } from "./places";

/** `id`: the concept's number, or -1 - the theme's. */
export interface Node { id: number; x: number; y: number; radius: number; group: Group | null }

export interface Scene { nodes: Node[]; of: Map<number, Node>; under: number[]; lines: Segment[] }

export const themeId = (theme: number): number => -1 - theme;

/** `isOpen`: whether a theme stands there as its concepts. */
export function sceneOf(data: MapData, places: Places, groups: Group[], isOpen: (theme: number) => boolean): Scene {
  const closed = groups.filter((one) => !isOpen(one.theme));
  const of = new Map<number, Node>();
  const under = closed.flatMap((one) => one.members);
  const hidden = new Set(under);
  const nodes = places.shown.filter((i) => !hidden.has(i)).map((i): Node => (
    { id: i, x: places.x[i]!, y: places.y[i]!, radius: places.radius[i]!, group: null }));
  nodes.sort((a, b) => b.radius - a.radius);
  for (const node of nodes) of.set(node.id, node);
  for (const group of closed) {
    const node: Node = { id: themeId(group.theme), x: group.x, y: group.y, radius: group.radius, group };
    nodes.push(node);
    of.set(node.id, node);
    for (const i of group.members) of.set(i, node);
  }
  return { nodes, of, under, lines: linesOf(data, of, closed.length > 0) };
}

function linesOf({ edges }: MapData, of: Map<number, Node>, sum: boolean): Segment[] {
  const between = new Map<string, Segment>();
  const lines: Segment[] = [];
  for (let e = 0; e < edges.a.length; e++) {
    const a = of.get(edges.a[e]!), b = of.get(edges.b[e]!), weight = edges.weight[e]!;
    if (!a || !b || a === b) continue;
    const line = { ax: a.x, ay: a.y, bx: b.x, by: b.y, weight };
    if (!sum || !(a.group || b.group)) { lines.push(line); continue; }
    const key = a.id < b.id ? `${a.id} ${b.id}` : `${b.id} ${a.id}`;
    const held = between.get(key);
    if (held) held.weight += weight; else between.set(key, line);
  }
  return [...lines, ...between.values()];
}

/** The node under a pixel: of several the one whose middle is nearest. `at`: where a node is drawn. */
export function nodeAt(scene: Scene, px: number, py: number, at: (node: Node) => [number, number, number], reach: number): Node | null {
  let best: Node | null = null, least = Infinity;
  for (const node of scene.nodes) {
    const [x, y, radius] = at(node);
    const far = Math.hypot(px - x, py - y);
    if (far <= Math.max(radius, reach) && far - radius < least) { least = far - radius; best = node; }
  }
  return best;
}

/** The next node in a direction: near, and not far off the straight line. */
export function nextNode(scene: Scene, from: Node, dx: number, dy: number, at: (node: Node) => [number, number, number]): Node | null {
  const [x0, y0] = at(from);
  let best: Node | null = null, least = Infinity;
  for (const node of scene.nodes) {
    if (node === from) continue;
    const [x, y] = at(node);
    const along = (x - x0) * dx + (y - y0) * dy;
    const aside = Math.abs((x - x0) * dy - (y - y0) * dx);
    const cost = along + 2.5 * aside;
    if (along > 0 && aside <= 1.6 * along && cost < least) { least = cost; best = node; }
  }
  return best;
}

export function inside(polygon: readonly [number, number][], x: number, y: number): boolean {
  let within = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]!, [xj, yj] = polygon[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}
