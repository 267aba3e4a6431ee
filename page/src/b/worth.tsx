// What B gained: before and after, whether that is of today, and what was written into which layer.
import type { VNode } from "preact";
import { Bar, Table } from "../parts/small";
import { count, figure, share } from "../words";
import { plainly } from "./plain";
import { blockWords, type Fused, type WorthRow } from "./shapes";
import { useMismatch, useStale } from "./since";

export function Worth({ fused, last }: { fused: Fused; last: boolean }): VNode {
  const { figures, rows, written } = fused;
  const stale = useStale(fused.last_edit ?? fused.at ?? "", fused.at ?? "", last), apart = useMismatch(headOf(fused));
  const before = [stale, apart].filter(Boolean).join(". ");
  return (
    <section aria-label="What it was worth">
      <h2>What it was worth</h2>
      {before && <p class="before" role="status">{before}. The figures stand from then; fuse again for those of today.</p>}
      {rows.length > 0
        ? <Rows rows={rows} items={figures["test_items"] ?? null} />
        : <p>Not measured: there was no test set. Fuse with one to see B alone beside B fused.</p>}
      <p class="quiet">{[
        figures["held_out_loss"] != null ? `loss on items held back ${figure(figures["held_out_loss"])}` : "",
        figures["steps"] != null ? `${count(figures["steps"])} steps` : "",
        figures["best_step"] != null ? `best at step ${count(figures["best_step"])}` : "",
        `in ${fused.out}${fused.exists === false ? ", which is no longer there" : ""}`,
      ].filter(Boolean).join(" · ")}</p>
      {Object.keys(written ?? {}).length > 0 && (
        <ul class="written">
          {Object.entries(written).map(([layer, one]) => (
            <li key={layer}><strong>{layer}</strong> {one.written ? "was written" : "was not written"} ({blockWords(one.kind, one.blocks)}): {plainly(one.why)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

// The outputs that were written; a B that grew has none written.
const headOf = ({ written }: Fused): number | null => Object.values(written ?? {}).find((one) => one.kind === "head")?.blocks ?? null;

function Rows({ rows, items }: { rows: WorthRow[]; items: number | null }): VNode {
  return (
    <>
      <Table caption="Accuracy on the test set" rows={rows} columns={[
        { key: "title", head: "On the test set", cell: (row) => (
          <>{row.method === "fused" ? <strong>{row.title}</strong> : row.title}{row.value !== null && <Bar value={row.value} />}</>) },
        { key: "value", head: "Accuracy", number: true, cell: (row) => share(row.value, 1) },
        { key: "minus", head: "B fused minus it", number: true, cell: (row) => row.minus === null ? "" : points(row.minus, row.error) },
      ]} />
      {items !== null && <p class="quiet">{count(items)} test items. ± is one standard error.</p>}
    </>
  );
}

function points(value: number, error: number | null): string {
  const sign = value < 0 ? "−" : "+";
  return `${sign}${Math.abs(100 * value).toFixed(1)}${error === null ? "" : ` ±${(100 * error).toFixed(1)}`}`;
}
