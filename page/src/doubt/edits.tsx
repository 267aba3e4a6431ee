// What people changed, the last first, each with its way back.
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { undo } from "../actions";
import { Busy, Empty, Table, Trouble, WriteButton } from "../parts/small";
import { at, mayWrite } from "../store";
import type { Edit } from "../types";
import { useGet, useRevision } from "../use";
import { count, editWords, localTime } from "../words";

export function Edits(): VNode {
  const again = useRevision();
  const [, redraw] = useState(0);
  const newest = useRef<number | null>(null); // those that come later do not push the others down by themselves
  const { value, problem } = useGet<{ edits: Edit[] }>(at("edits"), again);
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  if (value.edits.length === 0)
    return (
      <Empty title="Nothing was changed yet">
        <p>Labels, names, switches and merges are listed here.</p>
      </Empty>
    );
  const all = [...value.edits].sort((a, b) => b.number - a.number);
  const last = (newest.current ??= all[0]!.number);
  const edits = all.filter((one) => one.number <= last);
  const later = all.length - edits.length;
  const more = (): void => {
    newest.current = null;
    redraw((n) => n + 1);
  };
  return (
    <>
      <p>
        <button type="button" disabled={later === 0} onClick={more}>
          {later === 0 ? "No newer edits" : `Show ${count(later)} newer ${later === 1 ? "edit" : "edits"}`}
        </button>
      </p>
      <Table
        caption="Edits, the last first"
        rows={edits}
        columns={[
          { key: "number", head: "edit", number: true, cell: (one) => one.number },
          {
            // beside the number: on a narrow screen what follows may lie outside
            key: "undo",
            head: "taken back",
            cell: (one) =>
              one.undone_by !== null ? (
                <span class="quiet">undone by edit {one.undone_by}</span>
              ) : (
                mayWrite() && (
                  <WriteButton
                    title={one.verb === "undo" ? "Makes again what was taken back" : undefined}
                    onClick={() => void undo(one.number)}
                  >
                    Undo
                  </WriteButton>
                )
              ),
          },
          { key: "what", head: "what", cell: (one) => editWords(one.verb, one.what) },
          { key: "at", head: "when", cell: (one) => <time dateTime={one.at}>{localTime(one.at)}</time> },
          { key: "by", head: "by", cell: (one) => one.by },
        ]}
      />
    </>
  );
}
