// The canvas with all that moves it: data, State and choices go in, what a person points at comes out.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { openConcept } from "../routes";
import { source } from "../source";
import { at, chosen, colour, complain, graph, highlight, map, overview, state } from "../store";
import { dark, inked } from "../theme";
import type { Edges, MapData } from "../types";
import { useKeys } from "../use";
import { conceptNamed, concepts, items, share } from "../words";
import { Board } from "./board";
import { listen } from "./gestures";
import { Near, Sheets } from "./images";
import { schemeOf } from "./scheme";
import type { Node } from "./scene";
import { addChosen, choose, lasso, lines, only, toggle } from "./seen";

const NEARER = 1.35;
const STEP = 60;  // pixels of a move by keys
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

interface Tip { node: Node; x: number; y: number }

export function MapCanvas({ ready }: { ready: (board: Board) => void }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [board, setBoard] = useState<Board | null>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const [said, say] = useState("");
  const inHand = useCell(lasso);

  useEffect(() => {
    const made = new Board(canvas.current!);
    setBoard(made);
    ready(made);
    made.drawnAnew = () => lines.set(made.themes ? "themes" : made.scene.lines.length ? "concepts" : "none");
    const end = [feed(made, () => { made.hover = null; setTip(null); }), listen(made, {
      lasso: () => lasso.value,
      tap: (node, more) => tap(made, node, more),
      caught: (numbers, more) => { lasso.set(false); (more ? addChosen : choose)(numbers); },
      point: (node, x, y) => {
        if (made.hover !== node) { made.hover = node; made.ask(); }
        setTip((old) => node ? { node, x, y } : old && null);
      },
    })];
    return () => { end.forEach((fn) => fn()); made.end(); };
  }, []);

  useKeys((event) => board !== null && keyed(board, event));

  const pressed = (event: KeyboardEvent): void => {
    if (!board || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const node = board.step(...arrow);
      if (node) say(words(node));
    } else if (board.focus && (event.key === "Enter" || event.key === " ")) tap(board, board.focus, event.key === " " || event.shiftKey);
    else return;
    event.preventDefault();
  };

  return (
    <div class={`map-canvas${inHand ? " lasso" : ""}`}>
      <canvas ref={canvas} tabIndex={0} role="application" aria-label={label()} aria-describedby="map-keys"
        onKeyDown={pressed} onFocus={() => board?.ask()} onBlur={() => board?.ask()} />
      <p id="map-keys" class="unseen">Arrows go from one to the next, Enter opens, Space chooses, plus and minus zoom, 0 shows all,
        L takes the lasso. The list shows the same as a table.</p>
      <p class="unseen" aria-live="polite">{said}</p>
      {tip && <div class="map-tip" style={placed(tip, canvas.current)}>{words(tip.node)}</div>}
    </div>
  );
}

function label(): string {
  const data = map.value;
  return `Map of ${concepts(data ? data.into.filter((into, i) => into === i).length : 0)}`;
}

function placed({ x, y }: Tip, canvas: HTMLCanvasElement | null): Record<string, string> {
  const wide = canvas?.clientWidth ?? 0;
  return x > wide / 2 ? { right: `${wide - x + 12}px`, top: `${y + 12}px` } : { left: `${x + 12}px`, top: `${y + 12}px` };
}

function words(node: Node): string {
  const data = map.value, now = state.value;
  if (node.group) return `${node.group.name}: ${concepts(node.group.members.length)}, ${items(node.group.items)}`;
  if (!data || !now) return "";
  const best = now.best[node.id] ?? -1;
  const leans = best < 0 ? "no class" : `${now.classes[best]} ${share(now.mass[node.id])}`;
  return `${conceptNamed(data.names[node.id]!)}: ${items(data.sizes[node.id]!)}, ${leans}${data.active[node.id] ? "" : ", off"}`;
}

function tap(board: Board, node: Node | null, more: boolean): void {
  if (!node) { if (!more) choose([]); return; }
  if (node.group) { if (more) addChosen(node.group.members); else board.open(node.group); return; }
  if (more) { toggle(node.id); return; }
  choose([node.id]);
  board.focus = node;
  openConcept(node.id);
}

function keyed(board: Board, event: KeyboardEvent): boolean {
  if (event.key === "+" || event.key === "=") board.zoom(NEARER);
  else if (event.key === "-") board.zoom(1 / NEARER);
  else if (event.key === "0") board.all();
  else if (event.key === "l") lasso.set(!lasso.value);
  else if (event.key === "Escape" && lasso.value) lasso.set(false);
  else if (event.key === "Escape" && chosen.value.length) choose([]);
  else if (event.key === "Escape" && highlight.value.length) highlight.set([]);
  else if (event.shiftKey && ARROWS[event.key] && document.activeElement !== board.canvas) {
    const [dx, dy] = ARROWS[event.key]!;
    board.pan(-dx * STEP, -dy * STEP);
  } else return false;
  return true;
}

// A file holds no more than the edges that are drawn.
function kept(one: number): Edges {
  const { a, b, weight } = map.value!.edges;
  const at = a.flatMap((end, e) => end === one || b[e] === one ? [e] : []);
  return { a: at.map((e) => a[e]!), b: at.map((e) => b[e]!), weight: at.map((e) => weight[e]!) };
}

// Brings every change of what is known to the board, without drawing any component again; `resized`: what lay under the
// pointer is elsewhere now.
function feed(board: Board, resized: () => void): () => void {
  let layout: MapData | null = null;
  let alive = true;
  const data = (): void => {
    if (!map.value || map.value === layout) return;
    board.near = new Near(graph.value, () => board.ask());
    board.sheets = null;
    board.setData(layout = map.value);
    pictures();
    look();
  };
  const pictures = (): void => {  // the overview may come after the map
    board.texts = overview.value?.texts ?? false;
    board.ask();
    if (!map.value || board.sheets || !overview.value?.pictures) return;
    board.sheets = new Sheets(graph.value, map.value.x.length, () => board.ask());
  };
  const look = (): void => {
    if (!map.value || !state.value || map.value !== layout) return;
    board.setLook({
      scheme: schemeOf(colour.value, map.value, state.value), state: state.value, only: only.value,
      chosen: new Set(chosen.value), marked: new Set(highlight.value),
    });
  };
  const inks = (): void => board.setInks({
    paper: inked("--paper"), ink: inked("--ink"), quiet: inked("--quiet"), accent: inked("--accent"), edge: inked("--edge"), sheet: inked("--well"),
  });
  const own = (): void => {
    look();
    const [one, ...others] = chosen.value;
    board.setOwn(null);
    if (one === undefined || others.length) return;
    if (source.offline) { board.setOwn(kept(one)); return; }
    source.get<Edges>(at("edges", { concept: one })).then(
      (edges) => { if (alive && chosen.value[0] === one && chosen.value.length === 1) board.setOwn(edges); }, complain);
  };
  const marks = (): void => { look(); board.show(highlight.value); };
  const size = new ResizeObserver(() => { resized(); board.resize(board.canvas.clientWidth, board.canvas.clientHeight); });
  size.observe(board.canvas);
  board.resize(board.canvas.clientWidth, board.canvas.clientHeight);
  inks();
  data();
  own();
  const ends = [map.subscribe(data), overview.subscribe(pictures), state.subscribe(look), colour.subscribe(look), only.subscribe(look),
    chosen.subscribe(own), highlight.subscribe(marks), dark.subscribe(inks)];
  return () => { alive = false; size.disconnect(); ends.forEach((fn) => fn()); };
}
