// Names and examples on the map, where there is room for them.
import * as paint from "./paint";
import type { Node } from "./scene";

const NAMES = 70;         // at once
const MANY = 400;         // nodes that names are kept off
const NEAR_FROM = 1.5;    // zoom from which examples are shown
const SHORT = 15;         // letters of first words
const LARGEST = 30;       // concepts of texts that have their first words beside them from afar
const READ_FROM = 9;      // pixels of radius from which all have

type Place = [middle: number, top: number];
type Box = [left: number, top: number, right: number, bottom: number];

const boxOf = (x: number, y: number, radius: number): Box => [x - radius, y - radius, x + radius, y + 1.1 * radius];

/** Two words or three, as they fit between nodes. */
function firstOf(text: string): string {
  const short = text.length <= SHORT ? text : text.slice(0, text.lastIndexOf(" ", SHORT) > 4 ? text.lastIndexOf(" ", SHORT) : SHORT);
  return short === text ? text : `${short}…`;
}

/** `seen`: nodes in sight, the largest first; `at`: where and how large each is drawn; `texts`: names are their first words. */
export function drawWords(brush: paint.Brush, seen: Node[], at: (node: Node) => [number, number, number], zoom: number, texts: boolean): void {
  const width = brush.pen.canvas.clientWidth;
  const { data } = brush;
  const taken: Box[] = seen.slice(0, MANY).map((node) => boxOf(...at(node)));
  const free = (box: Box): boolean => !taken.some((one) => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1]);
  let count = 0;
  for (const [place, node] of seen.entries()) {
    const [x, y, radius] = at(node);
    const isNear = !node.group && radius >= paint.NEAR && zoom > NEAR_FROM;
    const named = node.group !== null || data.names[node.id] !== data.auto_names[node.id];
    const read = texts && (place < LARGEST || (zoom > NEAR_FROM && radius >= READ_FROM));
    if (!isNear && !named && !read && !brush.look.chosen.has(node.id)) continue;
    const first = node.group ? node.group.members[0]! : node.id;
    if (paint.isFaint(brush.look, first) || ++count > NAMES) continue;
    const full = node.group?.name ?? data.names[node.id]!;
    const words = read && !isNear && !named ? firstOf(full) : paint.shortened(full);
    let top = y + 1.18 * radius + (node.group ? 2 : 3);
    const strip: Box = [x - radius, top, x + radius, top + paint.stripHeight(radius) + 1];
    if (isNear && !texts && free(strip)) { taken.push(strip); top += paint.examples(brush, node.id, x, top, radius) + 1; }
    const half = 3.4 * words.length, side = radius + half + 4, over = y - 1.18 * radius - 18;
    const below: Place = [x, top];
    const places: Place[] = read && !isNear ? [below, [x, over], [x + side, y - 8], [x - side, y - 8]] : [below];
    const found = places.find(([left, high]) => free([left - half, high, left + half, high + 15]) && (!read || (high > 0 && left > half && left + half < width)));
    if (!found) continue;
    taken.push([found[0] - half, found[1], found[0] + half, found[1] + 15]);
    paint.name(brush, words, found[0], found[1] + 8, named);
    const more: Box = [x - paint.TEXTS[0] / 2, top + 16, x + paint.TEXTS[0] / 2, top + 16 + paint.TEXTS[1]];
    if (isNear && texts && free(more)) {
      taken.push(more);
      paint.examples(brush, node.id, x, top + 16, radius);
    }
  }
}
