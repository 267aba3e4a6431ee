// A concept wherever it is named: its medoid, name, size and class; opens it.
import type { VNode } from "preact";
import { useCell } from "../cell";
import { openConcept } from "../routes";
import { map, overview, state } from "../store";
import { items, share } from "../words";
import { ClassName } from "./classes";
import { Picture } from "./picture";

export function ConceptCard({ number, note, open = openConcept }: {
  number: number; note?: string; open?: (number: number) => void;
}): VNode {
  const where = useCell(map);
  const now = useCell(state);
  const about = useCell(overview);
  const name = where?.names[number] ?? `concept ${number}`;
  const medoid = where?.medoids[number] ?? null;
  const best = now?.best[number] ?? -1;
  const off = where !== null && !where.active[number];
  return (
    <button type="button" class={`card${off ? " off" : ""}`} onClick={() => open(number)}>
      {about?.pictures && medoid !== null &&
        <Picture of={{ item: medoid, picture: true, text: null }} side={40} named={false} />}
      <span class="card-words">
        <strong>{name}</strong>
        <small>{items(where?.sizes[number] ?? 0)}{off ? ", off" : ""}{note ? `, ${note}` : ""}</small>
        {best >= 0 && <small><ClassName name={now?.classes[best] ?? null} /> {share(now?.mass[number])}</small>}
      </span>
    </button>
  );
}

/** Only its name, in a line of text. */
export function ConceptLink({ number, name }: { number: number; name?: string }): VNode {
  const where = useCell(map);
  return <button type="button" class="link" onClick={() => openConcept(number)}>{name ?? where?.names[number] ?? `concept ${number}`}</button>;
}
