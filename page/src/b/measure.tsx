// The graph beside every control: runs `evaluate` with what the page knows, and shows the tables of the last one.
import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import { useCell } from "../cell";
import { Busy, Table, Trouble, WriteButton } from "../parts/small";
import { source } from "../source";
import { at, mayWrite } from "../store";
import type { Value } from "../types";
import { useGet } from "../use";
import { figure } from "../words";
import { JobCard } from "./job";
import { begin, ended, isRunning, work } from "./work";

interface Report { sentences?: string[]; tables: { metric: string; title: string; columns: string[]; rows: Value[][] }[] }

const LABELS = "2, 10", SEEDS = "2";  // small enough to wait for; kgkt evaluate takes 1, 2, 5, 10 and 20 draws

export function Controls({ target }: { target: string }): VNode {
  const job = useCell(work).evaluate;
  const [open, set] = useState(isRunning(job));
  return (
    <details open={open} onToggle={(event) => set(event.currentTarget.open)}>
      <summary>Beside every control</summary>
      {open && (
        <div class="controls">
          {mayWrite() && <Measure target={target} busy={isRunning(job)} />}
          {job && <JobCard verb="evaluate" job={job} />}
          <Tables key={job?.id} done={job?.state === "done"} />
        </div>
      )}
    </details>
  );
}

function Measure({ target, busy }: { target: string; busy: boolean }): VNode {
  const { value } = useGet<{ data?: { file: string }[] }>(at("targets"));
  const found = (value?.data ?? []).find((one) => /(^|\/)test\.npz$/.test(one.file))?.file ?? "";
  const [test, setTest] = useState<string | null>(null);
  const [truth, setTruth] = useState("");
  const [labels, setLabels] = useState(LABELS);
  const [seeds, setSeeds] = useState(SEEDS);
  const id = useId();
  const folder = target.replace(/[^/]*$/, "");  // as the command's own paths, from the folder that is served
  const counts = labels.split(",").map((part) => Number(part.trim()));
  const fine = counts.every((one) => Number.isInteger(one) && one > 0) && Number.isInteger(Number(seeds)) && Number(seeds) > 0;
  const run = (event: Event): void => {
    event.preventDefault();
    const set = (test ?? found).trim(), file = truth.trim();
    void begin("evaluate", {
      labels: counts, seeds: Number(seeds), target, train_b: "few", ...(set ? { test: set } : {}), ...(file ? { truth: file } : {}),
    });
  };
  return (
    <form class="measure" onSubmit={run}>
      <p>Draws labels by itself, as a person would give them, and teaches B with the graph and with every simpler way. It needs
        the true class of every item: in <code>y</code> of the pool's file, or in a file of your own. They only draw and judge.
        Two draws of 600 digits take about a minute; more items, draws or a larger B up to hours. It can be cancelled, and what was
        done is kept. B is taught at 2 and at 10 labels a class.</p>
      <label class="field">File of true classes, with the columns item_id and class
        <input value={truth} list={id} placeholder={`such as ${folder}truth.csv; none: y of the pool's file`} onInput={(event) => setTruth(event.currentTarget.value)} />
      </label>
      <label class="field">Test set (x, y); without one B is left out
        <input value={test ?? found} list={id} onInput={(event) => setTest(event.currentTarget.value)} />
        <datalist id={id}>{(value?.data ?? []).map((one) => <option key={one.file} value={one.file} />)}</datalist>
      </label>
      <div class="measure-how">
        <label class="field">Labels a class <input value={labels} onInput={(event) => setLabels(event.currentTarget.value)} /></label>
        <label class="field">Draws <input type="number" min="1" max="100" value={seeds} onInput={(event) => setSeeds(event.currentTarget.value)} /></label>
      </div>
      {!fine && <small class="warn">Labels a class: whole numbers with commas, such as 2, 10.</small>}
      <WriteButton type="submit" disabled={busy || !fine}>{busy ? "It runs" : "Measure beside every control"}</WriteButton>
    </form>
  );
}

// A report is asked for when one was made here, or a person asks: that there is none is an error in a browser's console.
function Tables({ done }: { done: boolean }): VNode | null {
  const [asked, ask] = useState(source.offline);
  const again = useCell(ended);
  if (asked || done) return <Made key={again} />;
  return <p><button type="button" onClick={() => ask(true)}>Show what was measured last</button></p>;
}

function Made(): VNode {
  const { value, problem } = useGet<Report>(at("report"));
  if (problem?.kind === "missing") return <p class="quiet">Not measured yet{source.offline || !mayWrite() ? <>: <code>kgkt evaluate</code> was not run for this graph</> : ""}.</p>;
  if (problem) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  return (
    <>
      {(value.sentences ?? []).length > 0 && <ul class="written">{value.sentences!.map((words, at) => <li key={at}>{words}</li>)}</ul>}
      {value.tables.length > 0 && <p class="quiet">A cell: the mean over the draws, in per cent; beside it by how many points the
        graph (kgkt) is ahead of that row (+) or behind it (−), ± one standard error over the draws.</p>}
      {value.tables.map((table) => (
        <section key={table.metric} aria-label={table.title}>
          <h3>{table.title}</h3>
          <Table caption={table.title} rows={table.rows} columns={table.columns.map((head, at) => ({
            key: `${at}`, head, number: at > 0, cell: (row: Value[]) => shown(row[at]) }))} />
        </section>
      ))}
    </>
  );
}

function shown(value: Value | undefined): string {
  if (value === null || value === undefined) return "not measured";
  return typeof value === "number" ? figure(value) : String(value);
}
