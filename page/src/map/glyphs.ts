// Marks as small pictures, drawn once for each colour, size and firmness; each seen on a light and on a dark ground.
import { PATHS } from "../parts/classes";
import { darker, FIRMNESS, paled, seenOn } from "./contrast";
import type { Mark } from "./scheme";

const STEP = Math.log(1.1);  // sizes are drawn in steps of a tenth, and scaled to what is asked
const SIZES = 64;


export interface Sign { mark: Mark; colour: string }

export class Glyphs {
  private kept = new Map<string, (HTMLCanvasElement | undefined)[]>();
  constructor(readonly paper: string, readonly ink: string, readonly dense: number) {}

  /** Puts the mark with its middle at (x, y); `hollow`: only its line. */
  put(pen: CanvasRenderingContext2D, { mark, colour }: Sign, firm: number, hollow: boolean, x: number, y: number, radius: number): void {
    const kind = this.kindOf(mark, colour);
    const level = Math.round(firm * FIRMNESS), size = Math.min(SIZES - 1, Math.max(0, Math.ceil(Math.log(radius) / STEP)));
    const place = ((level * 2) + (hollow ? 1 : 0)) * SIZES + size;
    const drawn = Math.exp(size * STEP);
    const image = kind[place] ??= this.draw(mark, paled(colour, this.paper, firm), hollow, drawn);
    const half = (image.width / this.dense / 2) * (radius / drawn);
    pen.drawImage(image, x - half, y - half, 2 * half, 2 * half);
  }

  private kindOf(mark: Mark, colour: string): (HTMLCanvasElement | undefined)[] {
    const key = colour + String(mark);
    let kind = this.kept.get(key);
    if (!kind) this.kept.set(key, kind = []);
    return kind;
  }

  private draw(mark: Mark, colour: string, hollow: boolean, radius: number): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil((2 * radius + 3) * this.dense);
    const pen = canvas.getContext("2d")!;
    pen.scale(this.dense, this.dense);
    pen.translate(radius + 1.5, radius + 1.5);
    const path = new Path2D();
    path.addPath(new Path2D(PATHS[typeof mark === "number" || mark === "ring" ? "circle" : mark]), new DOMMatrix().scale(radius));
    pen.lineWidth = Math.min(2, Math.max(0.75, radius / 7));
    if (mark === "ring" || hollow) {
      pen.fillStyle = this.paper;
      pen.fill(path);
      pen.strokeStyle = seenOn(colour, this.paper);  // its line alone tells it
      pen.lineWidth *= 1.6;
      if (mark === "ring" && radius > 3) pen.setLineDash([radius / 1.6, radius / 2.6]);
      pen.stroke(path);
      return canvas;
    }
    pen.fillStyle = colour;
    pen.fill(path);
    if (typeof mark === "number" && radius >= 4) this.pie(pen, mark, radius);
    pen.strokeStyle = this.ink;
    pen.globalAlpha = radius < 4 ? 0.35 : 0.7;
    pen.stroke(path);
    return canvas;
  }

  // A disc whose quarters say the step.
  private pie(pen: CanvasRenderingContext2D, quarters: number, radius: number): void {
    pen.fillStyle = darker(this.paper, this.ink);
    pen.globalAlpha = 0.75;
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.arc(0, 0, radius * 0.62, -Math.PI / 2, -Math.PI / 2 + (quarters * Math.PI) / 2);
    pen.fill();
    pen.globalAlpha = 1;
  }
}
