// The layer of edges: drawn once, a part at a time, into a picture that is only moved while the map moves.
import { across, down, type Camera, type View } from "./camera";

export interface Segment { ax: number; ay: number; bx: number; by: number; weight: number }

const AROUND = 0.25;     // of the view, drawn on each side of it
const BANDS = 4;         // of opacity, by weight
const FEW = 2000;        // lines that can be drawn strongly
const MANY = 8000;       // lines from which on each is drawn more weakly
const TOGETHER = 64;     // lines drawn at once
const SLICE = 9;         // ms of one part of the drawing

interface Picture { canvas: HTMLCanvasElement; camera: Camera; view: View }

export class EdgeLayer {
  private front: Picture | null = null;
  private back: Picture | null = null;
  private lines: Segment[] = [];
  private most = 1;
  private next = 0;
  ink = "#767c84";

  /** Other edges; what was drawn goes. */
  set(lines: Segment[]): void {
    this.lines = [...lines].sort((a, b) => a.weight - b.weight);
    this.most = this.lines.at(-1)?.weight || 1;
    this.front = this.back = null;
  }

  get drawn(): boolean { return this.front !== null; }
  get busy(): boolean { return this.back !== null; }

  /** Begins to draw anew as this camera sees them. */
  begin(camera: Camera, view: View, dense: number): void {
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(view.width * (1 + 2 * AROUND) * dense);
    canvas.height = Math.ceil(view.height * (1 + 2 * AROUND) * dense);
    const pen = canvas.getContext("2d")!;
    pen.scale(dense, dense);
    pen.translate(view.width * AROUND, view.height * AROUND);
    pen.strokeStyle = this.ink;
    this.back = { canvas, camera, view };
    this.next = 0;
  }

  /** Draws on for a moment; true when all is drawn. */
  step(): boolean {
    if (!this.back) return true;
    const until = performance.now() + SLICE;
    const pen = this.back.canvas.getContext("2d")!;
    while (this.next < this.lines.length && performance.now() < until) this.next = this.part(pen, this.next);
    if (this.next < this.lines.length) return false;
    this.front = this.back;
    this.back = null;
    return true;
  }

  /** Puts the picture where the camera sees it now; not at all where it would be stretched too much. */
  put(pen: CanvasRenderingContext2D, camera: Camera, view: View): void {
    if (!this.front) return;
    const { canvas, camera: then, view: seen } = this.front;
    const nearer = camera.zoom / then.zoom;
    if (nearer > 3 || nearer < 0.33 || seen.sx !== view.sx || seen.sy !== view.sy) return;
    const wide = seen.width * (1 + 2 * AROUND) * nearer, high = seen.height * (1 + 2 * AROUND) * nearer;
    pen.drawImage(canvas, across(camera, view, then.x) - wide / 2, down(camera, view, then.y) - high / 2, wide, high);
  }

  private part(pen: CanvasRenderingContext2D, from: number): number {
    const { camera, view } = this.back!;
    const band = (at: number): number => Math.min(BANDS - 1, Math.floor(BANDS * Math.sqrt(this.lines[at]!.weight / this.most)));
    const first = band(from);
    const [left, right] = [-view.width * AROUND, view.width * (1 + AROUND)];
    const [top, bottom] = [-view.height * AROUND, view.height * (1 + AROUND)];
    const few = this.lines.length < FEW ? 1 : 0, many = Math.min(1, (MANY / this.lines.length) ** 0.5);
    pen.globalAlpha = Math.min(1, Math.max(0.04, (0.13 + 0.16 * first) * many) + 0.2 * few);
    pen.lineWidth = 0.7 + 0.5 * first + few * 0.5 * first;
    pen.beginPath();
    let at = from;
    for (let n = 0; n < TOGETHER && at < this.lines.length && band(at) === first; at++) {
      const line = this.lines[at]!;
      const ax = across(camera, view, line.ax), bx = across(camera, view, line.bx);
      if (Math.max(ax, bx) < left || Math.min(ax, bx) > right) continue;
      const ay = down(camera, view, line.ay), by = down(camera, view, line.by);
      if (Math.max(ay, by) < top || Math.min(ay, by) > bottom) continue;
      pen.moveTo(ax, ay);
      pen.lineTo(bx, by);
      n++;
    }
    pen.stroke();
    return at;
  }
}
