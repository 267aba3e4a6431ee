// Each class has a colour and a shape, so that colour is never alone: Okabe and Ito's colours that the colour-blind tell
// apart, extended; the shape turns with the colours, so that 12 x 8 classes differ. Both go by the class's slot, which it
// keeps while other classes come and go.
import type { VNode } from "preact";
import { useCell } from "../cell";
import { state } from "../store";

export const COLOURS = [
  "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7b6fd0",
  "#8c613c", "#7a9e3c", "#b03060", "#3f7f7f",
] as const;
export const NO_CLASS = "#9aa0a6";

// In a box of -1..1, as lines of points; the circle is drawn as one.
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "drop", "hexagon", "star"] as const;
export type Shape = (typeof SHAPES)[number];

export const PATHS: Record<Shape, string> = {
  circle: "M0-.92A.92.92 0 1 1 0 .92A.92.92 0 1 1 0-.92Z",
  square: "M-.82-.82H.82V.82H-.82Z",
  triangle: "M0-.95L.98.8H-.98Z",
  diamond: "M0-1L.85 0L0 1L-.85 0Z",
  cross: "M-.34-.95H.34V-.34H.95V.34H.34V.95H-.34V.34H-.95V-.34H-.34Z",
  drop: "M0 .95L.98-.8H-.98Z",
  hexagon: "M.5-.87L1 0L.5.87H-.5L-1 0L-.5-.87Z",
  star: "M0-1L.29-.4L.95-.31L.48.15L.59.81L0 .5L-.59.81L-.48.15L-.95-.31L-.29-.4Z",
};

/** How a class looks, by its name: the one place that says so. A name that is no class, or null, looks like none. */
export function lookOf(name: string | null): { colour: string; shape: Shape | "ring" } {
  const now = state.value;
  const slot = name === null ? undefined : now?.slots[now.classes.indexOf(name)];
  if (slot === undefined) return { colour: NO_CLASS, shape: "ring" };
  const turn = Math.floor(slot / COLOURS.length);
  return { colour: COLOURS[slot % COLOURS.length]!, shape: SHAPES[(slot % COLOURS.length + turn * 5) % SHAPES.length]! };
}

/** The shape of a class in its colour; an open ring where it is none. */
export function ClassMark({ name, side = 14 }: { name: string | null; side?: number }): VNode {
  useCell(state);
  const { colour, shape } = lookOf(name);
  return (
    <svg class="mark" width={side} height={side} viewBox="-1.2 -1.2 2.4 2.4" aria-hidden="true">
      {shape === "ring"
        ? <circle r=".8" fill="none" stroke="currentColor" stroke-width=".3" stroke-dasharray=".5 .35" />
        : <path d={PATHS[shape]} fill={colour} class="mark-line" />}
    </svg>
  );
}

/** `words`: what stands beside the mark in place of the name. */
export function ClassName({ name, words }: { name: string | null; words?: string }): VNode {
  return <span class="class-name" title={name ?? undefined}><ClassMark name={name} /> <span>{words ?? name ?? "no class"}</span></span>;
}
