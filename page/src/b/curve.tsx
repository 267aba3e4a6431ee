// Loss and held-out loss over the steps, as they come. The axis goes to the steps that were done, or to what was asked for
// while that is not reached.
import type { VNode } from "preact";
import type { Point } from "../types";
import { count } from "../words";

const WIDE = 400, HIGH = 206, LEFT = 38, RIGHT = 62, TOP = 10, BOTTOM = 42;

export function Curve({ points, total, best }: { points: Point[]; total: number | null; best: number | null }): VNode | null {
  const first = points[0], last = points.at(-1);
  if (!first || !last) return null;
  const values = points.flatMap(({ loss, val_loss }) => [loss, ...(val_loss === null ? [] : [val_loss])]).filter(Number.isFinite);
  const high = Math.max(...values, 1e-9), low = Math.min(...values, high * 0.8);
  const steps = Math.max(total ?? 0, last.step, 1);
  const x = (step: number): number => LEFT + (step / steps) * (WIDE - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((high - value) / (high - low || 1)) * (HIGH - TOP - BOTTOM);
  const line = (of: (point: Point) => number | null): string => points
    .flatMap((point) => { const value = of(point); return value === null || !Number.isFinite(value) ? [] : [`${x(point.step).toFixed(1)},${y(value).toFixed(1)}`]; }).join(" ");
  const held = [...points].reverse().find((point) => point.val_loss !== null);
  const apart = held?.val_loss == null ? [y(last.loss), 0] : spread(y(last.loss), y(held.val_loss));
  return (
    <svg class="curve" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={words(last, held, best)}>
      {[high, (high + low) / 2, low].map((value) => (
        <g key={value}>
          <line x1={LEFT} x2={WIDE - RIGHT} y1={y(value)} y2={y(value)} class="curve-grid" />
          <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">{value.toPrecision(2)}</text>
        </g>
      ))}
      {best !== null && <line x1={x(best)} x2={x(best)} y1={TOP} y2={HIGH - BOTTOM} class="curve-best" />}
      <polyline points={line((point) => point.loss)} class="curve-loss" />
      <polyline points={line((point) => point.val_loss)} class="curve-held" />
      <text x={x(last.step) + 6} y={apart[0]! + 4}>loss</text>
      {held && <text x={x(held.step) + 6} y={apart[1]! + 4} class="curve-strong">held out</text>}
      <text x={LEFT} y={HIGH - 6}>0</text>
      <text x={WIDE - RIGHT} y={HIGH - 6} text-anchor="end">{steps > last.step ? "at most " : ""}{count(steps)} steps</text>
      {best !== null && <text x={x(best)} y={HIGH - 25} text-anchor={best > 0.6 * steps ? "end" : "start"}>best at step {count(best)}</text>}
    </svg>
  );
}

// Two words beside each other's lines do not lie on each other.
function spread(a: number, b: number): [number, number] {
  const room = 14, far = Math.abs(a - b);
  if (far >= room) return [a, b];
  const more = (room - far) / 2;
  return a > b ? [a + more, b - more] : [a - more, b + more];
}

function words(last: Point, held: Point | undefined, best: number | null): string {
  const parts = [`step ${last.step}: loss ${last.loss.toPrecision(3)}`];
  if (held?.val_loss != null) parts.push(`held-out loss ${held.val_loss.toPrecision(3)}`);
  if (best !== null) parts.push(`best at step ${best}`);
  return `Curve of the training, ${parts.join(", ")}`;
}
