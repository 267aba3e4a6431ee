// Rows of an answer as a table, the first of them at once; nodes and relationships in words, with what they hold below.
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { Table } from "../parts/small";
import { openConcept, openItem } from "../routes";
import { graph } from "../store";
import type { Rows, Value } from "../types";
import { count, figure } from "../words";

const SHOWN = 200; // rows at once
const LONG = 300; // letters of a text that are shown
const MANY = 12; // parts of a list that are shown

export function Answer({ of }: { of: Rows }): VNode {
  const [most, set] = useState(SHOWN);
  if (of.rows.length === 0)
    return (
      <p class="quiet">No row answers that. What concepts lean to (LEANS_TO) is in the graph once propagate has run.</p>
    );
  const shown = of.rows.slice(0, most);
  const columns = of.columns.map((head, place) => ({
    key: `${place}`,
    head,
    number: of.rows.every((row) => row[place] === null || typeof row[place] === "number"),
    cell: (row: Value[]): ComponentChildren => <Shown of={row[place] ?? null} />,
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
  const concept = of.startsWith(`${name}/concept/`) ? Number(of.slice(name.length + 9)) : NaN;
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
