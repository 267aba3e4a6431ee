// Picks another concept: one that is near, or any by name or number.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { ConceptCard } from "../parts/concept_card";
import { map } from "../store";
import type { Neighbour } from "../types";
import { focusNow } from "../use";

const SHOWN = 6;

export function Picker({
  words,
  near,
  not,
  pick,
}: {
  words: string;
  near: Neighbour[];
  not: number;
  pick: (number: number) => void;
}): VNode {
  const [text, set] = useState("");
  const where = useCell(map);
  const sought = text.trim().toLowerCase();
  const found =
    sought === ""
      ? near.map((one) => one.number)
      : (where?.names ?? []).flatMap((name, number) =>
          name.toLowerCase().includes(sought) || String(number) === sought ? [number] : [],
        );
  const shown = found.filter((number) => number !== not && where?.into[number] === number).slice(0, SHOWN);
  return (
    <div class="picker">
      <label>
        {words}{" "}
        <input
          type="search"
          value={text}
          placeholder="name or number"
          ref={focusNow}
          onInput={(event) => set(event.currentTarget.value)}
        />
      </label>
      <ul class="cards">
        {shown.map((number) => (
          <li key={number}>
            <ConceptCard number={number} open={pick} />
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="quiet">No concept is called that.</p>}
    </div>
  );
}
