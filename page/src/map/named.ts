// Names and examples on the map, where there is room for them.
import * as paint from "./paint";
import type { Node } from "./scene";

const NAMES = 70;         // at once
const MANY = 400;         // nodes that names are kept off
const NEAR_FROM = 1.5;    // zoom from which examples are shown

type Box = [left: number, top: number, right: number, bottom: number];

const boxOf = (x: number, y: number, radius: number): Box => [x - radius, y - radius, x + radius, y + 1.1 * radius];

/** `seen`: nodes in sight, the largest first; `at`: where and how large each is drawn. */
export function drawWords(brush: paint.Brush, seen: Node[], at: (node: Node) => [number, number, number], zoom: number): void {
  const { data } = brush;
  const taken: Box[] = seen.slice(0, MANY).map((node) => boxOf(...at(node)));
  const free = (box: Box): boolean => !taken.some((one) => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1]);
  let count = 0;
  for (const node of seen) {
    const [x, y, radius] = at(node);
    const isNear = !node.group && radius >= paint.NEAR && zoom > NEAR_FROM;
    const named = node.group !== null || data.names[node.id] !== data.auto_names[node.id];
    if (!isNear && !named && !brush.look.chosen.has(node.id)) continue;
    const first = node.group ? node.group.members[0]! : node.id;
    if (paint.isFaint(brush.look, first) || ++count > NAMES) continue;
    const words = paint.shortened(node.group?.name ?? data.names[node.id]!);
    let top = y + 1.18 * radius + (node.group ? 2 : 3);
    const strip: Box = [x - radius, top, x + radius, top + paint.stripHeight(radius) + 1];
    if (isNear && free(strip)) { taken.push(strip); top += paint.examples(brush, node.id, x, top, radius) + 1; }
    const half = 3.4 * words.length, box: Box = [x - half, top, x + half, top + 15];
    if (!free(box)) continue;
    taken.push(box);
    paint.name(brush, words, x, top + 8, named);
  }
}
