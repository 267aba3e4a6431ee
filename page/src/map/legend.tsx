// What the colours mean, how much there is of each, and a filter: one entry alone, or several.
import type { VNode } from "preact";
import { PATHS } from "../parts/classes";
import { colour, type Colour } from "../store";
import { useCell } from "../cell";
import type { MapData, State } from "../types";
import { dark, inked } from "../theme";
import { concepts, count } from "../words";
import { bright } from "./contrast";
import { coloursOf, schemeOf, type Entry } from "./scheme";
import { only, paint, show } from "./seen";

export function Legend({ data, now }: { data: MapData; now: State }): VNode {
  const by = useCell(colour);
  const kept = useCell(only);
  const scheme = schemeOf(by, data, now);
  const held = new Float64Array(scheme.entries.length), of = new Float64Array(scheme.entries.length);
  data.into.forEach((into, i) => {
    if (into !== i) return;
    held[scheme.of[i]!]! += data.sizes[i]!;
    of[scheme.of[i]!]! += 1;
  });
  const number = (at: number): number => by !== "class" ? held[at]! : now.class_items[at] ?? now.items - now.reached;
  const there = scheme.entries.map((entry, at) => ({ entry, items: number(at), of: of[at]! }))
    .filter(({ entry, items, of }) => items > 0 || of > 0 || kept.has(entry.key) || entry.key !== "none");
  const press = (key: string, more: boolean): void => {
    const next = new Set(more ? kept : []);
    if (kept.has(key) && (more || kept.size === 1)) next.delete(key); else next.add(key);
    show(next.size === there.length ? new Set() : next);
  };
  return (
    <div class="legend">
      <label class="legend-by">Colour <ColourChoice data={data} by={by} /></label>
      {scheme.what && <small class="legend-note">{scheme.what}:</small>}
      {kept.size > 0 && <button type="button" class="link" onClick={() => show(new Set())}>Show all</button>}
      <ul aria-label={`${scheme.title}: show only`}>
        {there.map(({ entry, items, of }) => (
          <li key={entry.key}>
            <button type="button" aria-pressed={kept.has(entry.key)} class={kept.size && !kept.has(entry.key) ? "out" : ""}
              title={`${entry.label}: ${concepts(of)}. Only these; with Shift these as well`} onClick={(event) => press(entry.key, event.shiftKey || event.ctrlKey || event.metaKey)}>
              <EntryMark entry={entry} /> <span class="legend-name">{entry.label}</span> <small>{count(items)}</small>
            </button>
          </li>
        ))}
      </ul>
      <small class="legend-note">{by === "class" ? "Pale: in doubt. The number: items of the class. " : "The number: items of the concepts. "}A ring in the corner: holds a label.</small>
      {!data.active.every((on, i) => on || data.into[i] !== i) && <small class="legend-note">Hollow: off.</small>}
    </div>
  );
}

function ColourChoice({ data, by }: { data: MapData; by: Colour }): VNode {
  const all = coloursOf(data);
  return (
    <select value={by} onChange={(event) => paint(event.currentTarget.value as Colour)}>
      {!all.some((one) => one.colour === by) && <option value={by}>{by}</option>}
      {all.map((one) => <option key={one.colour} value={one.colour}>{one.words}</option>)}
    </select>
  );
}

function EntryMark({ entry: { mark, colour: own } }: { entry: Entry }): VNode {
  useCell(dark);
  const ink = bright(own, inked("--paper"));
  const quarter = typeof mark === "number" ? mark : 0;
  return (
    <svg class="mark" width={14} height={14} viewBox="-1.2 -1.2 2.4 2.4" aria-hidden="true">
      {mark === "ring"
        ? <circle r=".8" fill="none" stroke="currentColor" stroke-width=".3" stroke-dasharray=".5 .35" />
        : <path d={PATHS[typeof mark === "number" ? "circle" : mark]} fill={ink} class="mark-line" />}
      {quarter === 4 ? <circle r=".58" class="mark-pie" /> : quarter > 0 && <path d={pie(quarter / 4)} class="mark-pie" />}
    </svg>
  );
}

function pie(share: number): string {
  const angle = 2 * Math.PI * share - Math.PI / 2, r = 0.58;
  return `M0 0V${-r}A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${r * Math.cos(angle)} ${r * Math.sin(angle)}Z`;
}
