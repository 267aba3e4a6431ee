// Marks as small pictures, drawn once for each colour, size and firmness; and colours mixed with the paper.
import { PATHS } from "../parts/classes";
import type { Mark } from "./scheme";

const FIRMNESS = 6;
const MOST = 4000;  // marks kept

/** A colour mixed with the paper: firm 0 is pale, 1 the colour itself. */
export function paled(colour: string, paper: string, firm: number): string {
  const share = 0.28 + 0.72 * Math.round(firm * FIRMNESS) / FIRMNESS;
  const [from, to] = [parts(paper), parts(colour)];
  return `rgb(${from.map((value, at) => Math.round(value + (to[at]! - value) * share)).join(" ")})`;
}

function parts(hex: string): [number, number, number] {
  const whole = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  return [0, 2, 4].map((at) => parseInt(whole.slice(at, at + 2), 16)) as [number, number, number];
}

export class Glyphs {
  private kept = new Map<string, HTMLCanvasElement>();
  constructor(readonly paper: string, readonly ink: string, readonly dense: number) {}

  /** Puts the mark with its middle at (x, y); `hollow`: only its line. */
  put(pen: CanvasRenderingContext2D, mark: Mark, colour: string, firm: number, hollow: boolean, x: number, y: number, radius: number): void {
    const size = Math.max(2, Math.round(radius * 2) / 2);
    const key = `${mark} ${colour} ${Math.round(firm * FIRMNESS)} ${hollow} ${size}`;
    let image = this.kept.get(key);
    if (!image) {
      if (this.kept.size > MOST) this.kept.clear();
      this.kept.set(key, image = this.draw(mark, paled(colour, this.paper, firm), hollow, size));
    }
    const half = image.width / this.dense / 2;
    pen.drawImage(image, x - half, y - half, 2 * half, 2 * half);
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
      pen.strokeStyle = colour;
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
    pen.fillStyle = this.ink;
    pen.globalAlpha = 0.75;
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.arc(0, 0, radius * 0.62, -Math.PI / 2, -Math.PI / 2 + (quarters * Math.PI) / 2);
    pen.fill();
    pen.globalAlpha = 1;
  }
}
