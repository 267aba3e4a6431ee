// Pointer, wheel and fingers on the map: move, zoom, point at, choose, and draw a lasso.
import type { Board } from "./board";
import type { Node } from "./scene";

export interface Hands {
  lasso: () => boolean;                              // is the lasso in hand?
  tap: (node: Node | null, more: boolean) => void;   // `more`: shift or control was held
  caught: (concepts: number[], more: boolean) => void;
  point: (node: Node | null, x: number, y: number) => void;
}

const STILL = 5;          // pixels that a press may move and still be a tap
const FINGER = 18;        // pixels around a finger that count as hit
const WHEEL = 0.0016;

/** Listens on the board's canvas; returns what ends it. */
export function listen(board: Board, hands: Hands): () => void {
  const { canvas } = board;
  const down = new Map<number, { x: number; y: number }>();
  let began: { x: number; y: number } | null = null;
  let moving = false;
  let drawing = false;

  const at = (event: MouseEvent): { x: number; y: number } => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  const press = (event: PointerEvent): void => {
    if (event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    const place = at(event);
    down.set(event.pointerId, place);
    if (down.size > 1) { drop(); moving = true; return; }
    began = place;
    moving = false;
    drawing = hands.lasso();
    if (drawing) board.lasso = [[place.x, place.y]];
  };

  const drop = (): void => { drawing = false; board.lasso = null; };

  const move = (event: PointerEvent): void => {
    const place = at(event), last = down.get(event.pointerId);
    if (!last) { if (event.pointerType !== "touch") hands.point(board.pick(place.x, place.y), place.x, place.y); return; }
    if (down.size === 2) { pinch(event.pointerId, place); return; }
    if (!moving && began && Math.hypot(place.x - began.x, place.y - began.y) <= STILL) return;
    if (!moving) { moving = true; hands.point(null, 0, 0); }
    down.set(event.pointerId, place);
    if (drawing) { board.lasso?.push([place.x, place.y]); board.ask(); } else board.pan(place.x - last.x, place.y - last.y);
  };

  // Two fingers: what lies between them stays between them.
  const pinch = (id: number, place: { x: number; y: number }): void => {
    const other = [...down].find(([one]) => one !== id)![1], last = down.get(id)!;
    const before = Math.hypot(last.x - other.x, last.y - other.y), after = Math.hypot(place.x - other.x, place.y - other.y);
    down.set(id, place);
    board.pan((place.x - last.x) / 2, (place.y - last.y) / 2);
    if (before > 0 && after > 0) board.zoom(after / before, (place.x + other.x) / 2, (place.y + other.y) / 2);
  };

  const release = (event: PointerEvent): void => {
    if (!down.delete(event.pointerId)) return;
    const place = at(event), more = event.shiftKey || event.ctrlKey || event.metaKey;
    if (down.size) { began = null; return; }
    const polygon = board.lasso;
    const was = drawing;
    drop();
    if (event.type === "pointercancel") { board.ask(); return; }
    if (was && moving && polygon) hands.caught(board.within(polygon), more);
    else if (!moving && began) hands.tap(board.pick(place.x, place.y, event.pointerType === "touch" ? FINGER : 9), more);
    board.ask();
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const place = at(event);
    board.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 6 * WHEEL : WHEEL)), place.x, place.y);
  };

  const leave = (): void => hands.point(null, 0, 0);
  const all: [string, EventListener][] = [
    ["pointerdown", press as EventListener], ["pointermove", move as EventListener], ["pointerup", release as EventListener],
    ["pointercancel", release as EventListener], ["pointerleave", leave],
  ];
  all.forEach(([kind, fn]) => canvas.addEventListener(kind, fn));
  canvas.addEventListener("wheel", wheel, { passive: false });
  return () => {
    all.forEach(([kind, fn]) => canvas.removeEventListener(kind, fn));
    canvas.removeEventListener("wheel", wheel);
  };
}
