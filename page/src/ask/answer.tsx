// Rows of an answer as a table, the first of them at once; nodes and relationships in words, with what they hold below.
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { ConceptLink } from "../parts/concept_card";
import { Table } from "../parts/small";
import { openConcept, openItem } from "../routes";
import { graph, map } from "../store";
import type { Rows, Value } from "../types";
import { count, figure } from "../words";

const SHOWN = 200; // rows at once
const LONG = 300; // letters of a text that are shown
const MANY = 12; // parts of a list that are shown

export function Answer({ of }: { of: Rows }): VNode {
  const [most, set] = useState(SHOWN);
  const data = useCell(map), name = useCell(graph);
  if (of.rows.length === 0)
    return (
      <p class="quiet">No row answers that. What concepts lean to (LEANS_TO) is in the graph once propagate has run.</p>
    );
  const shown = of.rows.slice(0, most);
  const named = namesOf(data?.names ?? []);
  const columns = of.columns.map((head, place) => ({
    key: `${place}`,
    head,
    number: of.rows.every((row) => row[place] === null || typeof row[place] === "number"),
    cell: (row: Value[]): ComponentChildren => {
      const of = row[place] ?? null;
      const number = typeof of === "string" ? conceptOf(of, head, row, name, named) : null;
      return number === null ? <Shown of={of} /> : <ConceptLink number={number} name={String(of)} />;
    },
  }));
  return (
    <>
      <Table caption="Rows of the answer" rows={shown} columns={columns} />
      {of.rows.length > most && (
        <p class="does">
          <span>
            {count(most)} of {count(of.rows.length)} rows shown.
          </span>
          <button type="button" onClick={() => set(most + SHOWN)}>
            {count(Math.min(SHOWN, of.rows.length - most))} more
          </button>
        </p>
      )}
    </>
  );
}

const keyOf = (of: Value, name: string): number =>
  typeof of === "string" && of.startsWith(`${name}/concept/`) ? Number(of.slice(name.length + 9)) : NaN;

function namesOf(names: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  names.forEach((one, number) => found.set(one, [...(found.get(one) ?? []), number]));
  return found;
}

// The concept that a name is of: one whose key is in the row, or the only one called so in a column of concepts. An item can
// have the same name.
function conceptOf(text: string, head: string, row: Value[], name: string, named: Map<string, number[]>): number | null {
  if (/item/i.test(head)) return null;
  const all = named.get(text) ?? [];
  const keys = row.map((one) => keyOf(one, name));
  const here = all.filter((number) => keys.includes(number));
  if (here.length === 1) return here[0]!;
  return all.length === 1 && /concept/i.test(head) ? all[0]! : null;
}

function Shown({ of }: { of: Value }): VNode {
  const name = useCell(graph);
  if (of === null) return <span class="quiet">null</span>;
  if (typeof of === "number") return <span title={String(of)}>{figure(of)}</span>;
  if (typeof of === "boolean") return <>{String(of)}</>;
  if (typeof of === "string") return <Text of={of} graph={name} />;
  if (Array.isArray(of)) return <List of={of} />;
  if (Array.isArray(of["~path"])) {
    return (
      <span class="path">
        {of["~path"].map((one, place) => (
          <span key={place}>
            {place > 0 && " "}
            <Shown of={one} />
          </span>
        ))}
      </span>
    );
  }
  if (typeof of["~node"] === "string")
    return <Holder head={String(of["name"] ?? of["key"] ?? "")} kind={of["~node"]} of={of} graph={name} />;
  if (typeof of["~relationship"] === "string")
    return <Holder head="" kind={of["~relationship"]} of={of} graph={name} arrow />;
  return (
    <span class="map-value">
      {Object.entries(of).map(([key, held], place) => (
        <span key={key}>
          {place > 0 && ", "}
          {key}: <Shown of={held} />
        </span>
      ))}
    </span>
  );
}

// A key of a concept or of an item of the open graph opens it.
function Text({ of, graph: name }: { of: string; graph: string }): VNode {
  const concept = keyOf(of, name);
  if (Number.isInteger(concept))
    return (
      <button type="button" class="link" onClick={() => openConcept(concept)}>
        {of}
      </button>
    );
  if (of.startsWith(`${name}/item/`))
    return (
      <button type="button" class="link" onClick={() => openItem(of.slice(name.length + 6))}>
        {of}
      </button>
    );
  return <span title={of.length > LONG ? of : undefined}>{of.length > LONG ? `${of.slice(0, LONG)} …` : of}</span>;
}

function List({ of }: { of: Value[] }): VNode {
  const [all, set] = useState(false);
  const shown = all ? of : of.slice(0, MANY);
  return (
    <span class="list-value">
      {shown.map((one, place) => (
        <span key={place}>
          {place > 0 && ", "}
          <Shown of={one} />
        </span>
      ))}
      {of.length > shown.length && " "}
      {of.length > shown.length && (
        <button type="button" class="link" onClick={() => set(true)}>
          and {count(of.length - shown.length)} more
        </button>
      )}
    </span>
  );
}

function Holder({
  head,
  kind,
  of,
  graph: name,
  arrow = false,
}: {
  head: string;
  kind: string;
  of: { [key: string]: Value };
  graph: string;
  arrow?: boolean;
}): VNode {
  const [open, set] = useState(false);
  const key = typeof of["key"] === "string" ? of["key"] : "";
  const rest = Object.entries(of).filter(([one, held]) => !one.startsWith("~") && held !== null);
  return (
    <span class={arrow ? "relationship" : "node"}>
      <button type="button" class="node-head" aria-expanded={open} onClick={() => set(!open)}>
        {arrow ? (
          `-${kind}-`
        ) : (
          <>
            <em>{kind}</em> {head}
          </>
        )}
      </button>
      {key.startsWith(`${name}/`) && /\/(concept|item)\//.test(key) && (
        <>
          {" "}
          <Text of={key} graph={name} />
        </>
      )}
      {open && (
        <span class="properties">
          {rest.map(([one, held]) => (
            <span key={one}>
              <b>{one}</b> <Shown of={held} />
            </span>
          ))}
        </span>
      )}
    </span>
  );
}
