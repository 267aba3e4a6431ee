// What people changed, the last first, each with its way back.
import type { VNode } from "preact";
import { undo } from "../actions";
import { Busy, Empty, Table, Trouble } from "../parts/small";
import { at, mayWrite } from "../store";
import type { Edit } from "../types";
import { useGet, useRevision } from "../use";

export function Edits(): VNode {
  const again = useRevision();
  const { value, problem } = useGet<{ edits: Edit[] }>(at("edits"), again);
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  if (value.edits.length === 0)
    return (
      <Empty title="Nothing was changed yet">
        <p>Labels, names, switches and merges are listed here.</p>
      </Empty>
    );
  const edits = [...value.edits].sort((a, b) => b.number - a.number);
  return (
    <Table
      caption="Edits, the last first"
      rows={edits}
      columns={[
        { key: "number", head: "edit", number: true, cell: (one) => one.number },
        {
          key: "what",
          head: "what",
          cell: (one) => (
            <>
              {one.verb} {one.what}
            </>
          ),
        },
        { key: "at", head: "when", cell: (one) => <time dateTime={one.at}>{when(one.at)}</time> },
        { key: "by", head: "by", cell: (one) => one.by },
        {
          key: "undo",
          head: "taken back",
          cell: (one) =>
            one.undone_by !== null ? (
              <span class="quiet">undone by edit {one.undone_by}</span>
            ) : (
              one.verb !== "undo" &&
              mayWrite() && (
                <button type="button" onClick={() => void undo(one.number)}>
                  Undo
                </button>
              )
            ),
        },
      ]}
    />
  );
}

function when(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleString();
}
