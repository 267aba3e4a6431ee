// The canvas of the map: what is in it, where the camera is, and when it is drawn.
import type { Edges, MapData } from "../types";
import { across, ALL, around as cameraAround, down, panned, viewOf, zoomed, type Camera, type View } from "./camera";
import { EdgeLayer } from "./edges";
import { paled } from "./contrast";
import { Glyphs } from "./glyphs";
import type { Near, Sheets } from "./images";
import * as paint from "./paint";
import { groupsOf, placesOf, type Group, type Places } from "./places";
import { inside, nextNode, nodeAt, sceneOf, type Node, type Scene } from "./scene";
import { drawWords } from "./named";

export const OPEN = 2.4;      // from this zoom on every theme stands there as its concepts
const REST = 110;             // ms without a move until edges and names are drawn again
const HALF = [480, 320] as const;  // pixels of a unit in the view for which radii are meant
const LARGEST = 58;
const FLIGHT = 260;           // ms from one place to another

export class Board {
  camera: Camera = ALL;
  view: View = viewOf(1, 1);
  data: MapData | null = null;
  groups: Group[] = [];
  scene: Scene = { nodes: [], of: new Map(), under: [], lines: [] };
  hover: Node | null = null;
  focus: Node | null = null;
  lasso: [number, number][] | null = null;
  sheets: Sheets | null = null;
  near: Near | null = null;
  texts = false;               // names are the first words of texts
  drawnAnew: (() => void) | null = null;  // called when there are other nodes and lines
  private places: Places | null = null;
  private look: paint.Look | null = null;
  private inks: paint.Inks | null = null;
  private glyphs: Glyphs | null = null;
  private edges = new EdgeLayer();
  private own: Edges | null = null;         // of the one concept that is chosen
  private opened = new Set<number>();
  private frame = 0;
  private moved = 0;
  private flying = 0;
  private drawn = 0;
  private dense = 1;

  constructor(readonly canvas: HTMLCanvasElement) {}

  setData(data: MapData): void {
    const known = new Map(this.places?.shown.map((i) => [i, true]));
    this.data = data;
    this.places = placesOf(data);
    this.groups = groupsOf(data, this.places);
    if (!known.size) this.opened.clear();
    this.build();
  }

  setLook(look: paint.Look): void { this.look = look; this.ask(); }

  setInks(inks: paint.Inks): void {
    this.inks = inks;
    this.edges.ink = inks.edge;
    this.glyphs = new Glyphs(inks.paper, inks.ink, this.dense);
    this.edges.set(this.scene.lines);
    this.ask();
  }

  setOwn(edges: Edges | null): void { this.own = edges; this.ask(); }

  resize(width: number, height: number): void {
    if (width < 1 || height < 1) return;
    this.dense = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.dense);
    this.canvas.height = Math.round(height * this.dense);
    this.view = viewOf(width, height);
    if (this.inks) this.setInks(this.inks);
    this.draw();  // at once: a canvas of a new size is empty
  }

  get themes(): boolean { return this.scene.nodes.some((node) => node.group); }
  get zoomed(): boolean { return this.camera.zoom !== 1 || this.camera.x !== 0 || this.camera.y !== 0 || this.opened.size > 0; }

  at = (node: Node): [number, number, number] => [
    across(this.camera, this.view, node.x), down(this.camera, this.view, node.y), this.radius(node)];

  pick(px: number, py: number, reach = 9): Node | null {
    const look = this.look;
    const node = nodeAt(this.scene, px, py, this.at, reach);
    return node && look && this.concepts(node).every((i) => paint.isFaint(look, i)) ? null : node;
  }

  /** The concepts that a node stands for. */
  concepts(node: Node): number[] { return node.group ? node.group.members : [node.id]; }

  within(polygon: [number, number][]): number[] {
    const look = this.look;
    return this.scene.nodes.filter((node) => { const [x, y] = this.at(node); return inside(polygon, x, y); })
      .flatMap((node) => this.concepts(node)).filter((i) => !look || !paint.isFaint(look, i));
  }

  pan(dx: number, dy: number): void { this.go(panned(this.camera, this.view, dx, dy)); }

  zoom(factor: number, px = this.view.width / 2, py = this.view.height / 2): void {
    this.go(zoomed(this.camera, this.view, factor, px, py));
  }

  /** All of the map, themes closed again. */
  all(): void { this.opened.clear(); this.focus = null; this.build(); this.fly(ALL); }

  /** Opens a theme into its concepts and goes near. */
  open(group: Group): void {
    const places = this.places!;
    this.opened.add(group.theme);
    this.focus = null;
    this.build();
    this.fly(cameraAround(group.members.map((i) => ({ x: places.x[i]!, y: places.y[i]! })), OPEN * 2));
  }

  /** Brings concepts into sight where they are not. */
  show(numbers: readonly number[]): void {
    const places = this.places;
    if (!places || !numbers.length) return;
    const there = numbers.filter((i) => i < places.x.length).map((i) => ({ x: places.x[i]!, y: places.y[i]! }));
    const seen = ({ x, y }: { x: number; y: number }): boolean => {
      const [px, py] = [across(this.camera, this.view, x), down(this.camera, this.view, y)];
      return px > 20 && py > 20 && px < this.view.width - 20 && py < this.view.height - 20;
    };
    if (!there.every(seen)) this.fly(cameraAround(there, Math.max(this.camera.zoom, 1)));
  }

  /** The keyboard's node moves in a direction. */
  step(dx: number, dy: number): Node | null {
    if (!this.focus || !this.scene.nodes.includes(this.focus)) {
      const [x, y] = [this.view.width / 2, this.view.height / 2];
      this.focus = nodeAt(this.scene, x, y, this.at, Infinity);
    } else this.focus = nextNode(this.scene, this.focus, dx, dy, this.at) ?? this.focus;
    if (this.focus) this.keepInSight(this.focus);
    this.ask();
    return this.focus;
  }

  focusOn(number: number): void { this.focus = this.scene.of.get(number) ?? null; this.ask(); }

  ask(): void { if (!this.frame) this.frame = requestAnimationFrame(this.tick); }

  end(): void { cancelAnimationFrame(this.frame); cancelAnimationFrame(this.flying); this.frame = -1; }

  private keepInSight(node: Node): void {
    const [x, y] = this.at(node), edge = 60;
    const dx = x < edge ? edge - x : x > this.view.width - edge ? this.view.width - edge - x : 0;
    const dy = y < edge ? edge - y : y > this.view.height - edge ? this.view.height - edge - y : 0;
    if (dx || dy) this.pan(dx, dy);
  }

  private go(camera: Camera): void {
    const opens = this.groups.length > 0 && camera.zoom >= OPEN !== this.camera.zoom >= OPEN;
    this.camera = camera;
    this.moved = performance.now();
    if (opens) this.build();
    this.ask();
  }

  private fly(to: Camera): void {
    cancelAnimationFrame(this.flying);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { this.go(to); return; }
    const from = this.camera, began = performance.now();
    const step = (): void => {
      const done = Math.min(1, (performance.now() - began) / FLIGHT), eased = 1 - (1 - done) ** 3;
      const mixed = (a: number, b: number): number => a + (b - a) * eased;
      this.go(done === 1 ? to : { zoom: from.zoom * (to.zoom / from.zoom) ** eased, x: mixed(from.x, to.x), y: mixed(from.y, to.y) });
      if (done < 1) this.flying = requestAnimationFrame(step);
    };
    step();
  }

  private build(): void {
    if (!this.data || !this.places) return;
    const near = this.camera.zoom >= OPEN;
    const [hover, focus] = [this.hover?.id, this.focus?.id];
    this.scene = sceneOf(this.data, this.places, this.groups, (theme) => near || this.opened.has(theme));
    this.hover = hover === undefined ? null : this.scene.of.get(hover) ?? null;
    this.focus = focus === undefined ? null : this.scene.of.get(focus) ?? null;
    this.edges.set(this.scene.lines);
    this.drawnAnew?.();
    this.ask();
  }

  private radius(node: Node): number {
    const [across, down] = [this.view.sx / HALF[0], this.view.sy / HALF[1]];
    const fit = Math.min(1.3, Math.max(0.4, (Math.sqrt(across * down) + Math.min(across, down)) / 2));
    return node.group ? node.radius * fit * this.camera.zoom ** 0.35 : Math.min(LARGEST, node.radius * fit * this.camera.zoom ** 0.62);
  }

  private tick = (): void => {
    this.frame = 0;
    const resting = performance.now() - this.moved > REST;
    if (resting && !this.edges.busy && !this.isSharp()) this.startEdges();
    this.draw();
    const busy = this.edges.busy;
    if (busy) this.edges.step();
    if (busy || !resting || !this.isSharp()) this.ask();
  };

  private sharp: Camera | null = null;
  private isSharp(): boolean { return this.edges.drawn && this.sharp === this.camera; }
  private startEdges(): void { this.sharp = this.camera; this.edges.begin(this.camera, this.view, this.dense); }

  private draw(): void {
    const { data, look, inks, glyphs } = this;
    const pen = this.canvas.getContext("2d", { alpha: false });
    if (!pen || !data || !look || !inks || !glyphs) return;
    pen.setTransform(this.dense, 0, 0, this.dense, 0, 0);
    pen.fillStyle = inks.paper;
    pen.fillRect(0, 0, this.view.width, this.view.height);
    const brush: paint.Brush = { pen, data, look, inks, glyphs, sheets: this.sheets, near: this.near };
    if (!look.marked.size && !look.only.size) this.edges.put(pen, this.camera, this.view);
    this.drawOwn(pen, inks);
    this.drawUnder(brush);
    const seen = this.drawNodes(brush);
    this.drawRings(brush);
    if (performance.now() - this.moved > REST || this.camera.zoom > OPEN) drawWords(brush, seen, this.at, this.camera.zoom, this.texts);
    if (this.lasso) paint.lasso(brush, this.lasso);
    this.canvas.dataset["drawn"] = String(++this.drawn);
  }

  private drawOwn(pen: CanvasRenderingContext2D, inks: paint.Inks): void {
    const own = this.own;
    if (!own) return;
    const most = own.weight.reduce((a, b) => Math.max(a, b), 1e-9);
    pen.strokeStyle = inks.accent;
    own.a.forEach((a, e) => {
      const [from, to] = [this.scene.of.get(a), this.scene.of.get(own.b[e]!)];
      if (!from || !to || from === to) return;
      const share = Math.sqrt(own.weight[e]! / most);
      pen.globalAlpha = 0.2 + 0.6 * share;
      pen.lineWidth = 0.8 + 2.6 * share;
      pen.beginPath();
      pen.moveTo(...(this.at(from).slice(0, 2) as [number, number]));
      pen.lineTo(...(this.at(to).slice(0, 2) as [number, number]));
      pen.stroke();
    });
    pen.globalAlpha = 1;
  }

  // The concepts of themes that are not open, as points.
  private drawUnder({ pen, look, inks }: paint.Brush): void {
    const { scheme } = look, places = this.places!;
    const colours = scheme.entries.map((entry) => paled(entry.colour, inks.paper, 0.55));
    for (const i of this.scene.under) {
      const x = across(this.camera, this.view, places.x[i]!), y = down(this.camera, this.view, places.y[i]!);
      pen.globalAlpha = paint.isFaint(look, i) ? 0.15 : 1;
      pen.fillStyle = colours[scheme.of[i]!]!;
      pen.fillRect(x - 1.75, y - 1.75, 3.5, 3.5);
    }
    pen.globalAlpha = 1;
  }

  private drawNodes(brush: paint.Brush): Node[] {
    const seen: Node[] = [];
    for (const node of this.scene.nodes) {
      const [x, y, radius] = this.at(node);
      if (x < -radius || y < -radius || x > this.view.width + radius || y > this.view.height + radius) continue;
      seen.push(node);
      if (node.group) paint.theme(brush, node.group, x, y, radius);
      else paint.concept(brush, node.id, x, y, radius);
    }
    return seen;
  }

  private drawRings(brush: paint.Brush): void {
    const { chosen, marked } = brush.look, { data } = brush;
    const square = (node: Node): boolean => !node.group && this.radius(node) >= paint.PICTURE && this.sheets?.get(node.id) != null;
    const ring = (node: Node | undefined | null, kind: "chosen" | "marked" | "hover" | "focus"): void => {
      if (node) paint.around(brush, ...this.at(node), kind, !square(node));
    };
    for (const i of marked) if (data.into[i] === i) ring(this.scene.of.get(i), "marked");
    for (const i of chosen) ring(this.scene.of.get(i), "chosen");
    ring(this.hover, "hover");
    ring(document.activeElement === this.canvas ? this.focus : null, "focus");
    this.canvas.dataset["at"] = this.focus ? this.at(this.focus).slice(0, 2).map(Math.round).join(",") : "";
  }
}
