// The map as a table: the concepts that the legend leaves, sorted as one likes; reached by keyboard and screen reader.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { openConcept } from "../routes";
import { chosen, colour, highlight } from "../store";
import type { MapData, State } from "../types";
import { concepts, count, moreWords, share } from "../words";
import { schemeOf } from "./scheme";
import { choose, only, toggle } from "./seen";

type Sort = "name" | "size" | "class" | "mass" | "labels";

const PAGE = 50, NARROW = 700;
const HEADS: { sort: Sort; words: string; number: boolean }[] = [
  { sort: "name", words: "Concept", number: false }, { sort: "size", words: "Items", number: true },
  { sort: "class", words: "Class", number: false }, { sort: "mass", words: "Mass", number: true }, { sort: "labels", words: "Labels", number: true },
];

export function ConceptList({ data, now }: { data: MapData; now: State }): VNode {
  const by = useCell(colour), kept = useCell(only), picked = useCell(chosen), marked = useCell(highlight);
  const [sort, setSort] = useState<Sort>("size");
  const [down, setDown] = useState(true);
  const [shown, setShown] = useState(PAGE);
  const scheme = schemeOf(by, data, now);
  const told = new Set(marked);
  const section = useRef<HTMLElement>(null);
  useEffect(() => { if (innerWidth <= NARROW) section.current?.scrollIntoView(); }, []);  // there it lies below the map
  const rows = data.into.flatMap((into, i) => into === i ? [i] : [])
    .filter((i) => (!kept.size || kept.has(scheme.entries[scheme.of[i]!]!.key)) && (!told.size || told.has(i)));
  rows.sort((a, b) => (down ? -1 : 1) * compare(sort, a, b, data, now) || a - b);
  const turn = (next: Sort): void => { if (next === sort) setDown(!down); else { setSort(next); setDown(next !== "name" && next !== "class"); } };
  return (
    <section ref={section} class="concept-list" aria-label="Concepts as a table">
      <p class="quiet">{concepts(rows.length)}{kept.size || told.size ? `, of ${count(data.into.filter((into, i) => into === i).length)}` : ""}.{" "}
        {kept.size > 0 && <button type="button" class="link" onClick={() => choose(rows)}>Choose all of these</button>}</p>
      <div class="table" tabIndex={0} role="region" aria-label="Concepts">
        <table>
          <thead>
            <tr>
              <th scope="col"><span class="unseen">Chosen</span></th>
              {HEADS.map((head) => (
                <th key={head.sort} scope="col" class={head.number ? "number" : ""} aria-sort={head.sort === sort ? (down ? "descending" : "ascending") : "none"}>
                  <button type="button" class="sort" onClick={() => turn(head.sort)}>{head.words}{head.sort === sort ? (down ? " ↓" : " ↑") : ""}</button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{rows.slice(0, shown).map((i) => <Row key={i} i={i} data={data} now={now} picked={picked.includes(i)} />)}</tbody>
        </table>
      </div>
      {rows.length > shown && <button type="button" onClick={() => setShown(shown + 4 * PAGE)}>{moreWords(4 * PAGE, rows.length - shown)}</button>}
    </section>
  );
}

function Row({ i, data, now, picked }: { i: number; data: MapData; now: State; picked: boolean }): VNode {
  const best = now.best[i] ?? -1, name = data.names[i]!;
  return (
    <tr>
      <td><input type="checkbox" checked={picked} aria-label={`Choose ${name}`} onChange={() => toggle(i)} /></td>
      <td><button type="button" class="link" onClick={() => openConcept(i)}>{name}</button>{data.active[i] ? "" : " (off)"}</td>
      <td class="number">{count(data.sizes[i]!)}</td>
      <td><ClassName name={best < 0 ? null : now.classes[best] ?? null} /></td>
      <td class="number">{best < 0 ? "" : share(now.mass[i])}</td>
      <td class="number">{count(now.labels[i] ?? 0)}</td>
    </tr>
  );
}

function compare(sort: Sort, a: number, b: number, data: MapData, now: State): number {
  switch (sort) {
    case "name": return data.names[a]!.localeCompare(data.names[b]!, "en", { numeric: true });
    case "size": return data.sizes[a]! - data.sizes[b]!;
    case "class": return now.best[a]! - now.best[b]!;
    case "mass": return now.mass[a]! - now.mass[b]!;
    case "labels": return now.labels[a]! - now.labels[b]!;
  }
}
