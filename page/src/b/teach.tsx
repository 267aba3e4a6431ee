// Which file is B, and the two verbs that teach it: map, then fuse.
import type { VNode } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { useCell } from "../cell";
import { WriteButton } from "../parts/small";
import { at, mayWrite, state } from "../store";
import type { Model, Target, Value } from "../types";
import { useGet } from "../use";
import { count } from "../words";
import { outputsOf, useMismatch } from "./since";
import { begin, ended, isRunning, mapAndFuse, work } from "./work";

interface Choice extends Target { source?: boolean }
interface Held { file: string; bytes: number }

const OTHER = "\n";  // no file is called so

export const stemOf = (file: string): string => file.replace(/^.*\//, "").replace(/\.keras$/, "");

export function Teach({ file, model, choose }: { file: string; model: Model | null; choose: (file: string) => void }): VNode {
  const again = useCell(ended);
  const { value } = useGet<{ files: Choice[]; data?: Held[] }>(at("targets"), again);
  const files = value?.files ?? [];
  const known = files.some((one) => one.file === file);
  const only = files.filter((one) => !one.source && !one.fused);
  useEffect(() => { if (file === "" && only.length === 1) choose(only[0]!.file); }, [value]);
  const [typed, setTyped] = useState(false);
  const gone = value !== null && !known && file !== "" && !typed;
  const jobs = useCell(work);
  const busy = isRunning(jobs.map) || isRunning(jobs.fuse);
  if (!mayWrite()) return <p class="quiet">This page only reads. With kgkt serve --rw, B is mapped and fused from here.</p>;
  return (
    <div class="teach">
      <label class="field">B, the model that is taught
        <select value={typed ? OTHER : file} onChange={(event) => {
          const { value: next } = event.currentTarget;
          setTyped(next === OTHER);
          choose(next === OTHER ? "" : next);
        }}>
          <option value="">Choose a file …</option>
          {files.map((one) => <option key={one.file} value={one.file}>{one.file}{wordsOf(one)}</option>)}
          {gone && <option value={file}>{file} (not there)</option>}
          <option value={OTHER}>Another name …</option>
        </select>
      </label>
      {gone && <p class="before" role="status">There is no file {file} in the folder that is served: choose another, or put it back.</p>}
      {typed && (
        <label class="field">Its file
          <input value={file} placeholder="models/b.keras" onChange={(event) => choose(event.currentTarget.value.trim())} />
        </label>
      )}
      {value && files.length === 0 && <p class="quiet">There is no .keras file in the folder that is served.</p>}
      <div class="teach-map">
        <WriteButton disabled={!file || gone || busy} onClick={() => void begin("map", { target: file })}>Map</WriteButton>
        <small>Says which concepts reach which blocks of B's weights. Fuse begins with it where it was not done.</small>
      </div>
      {file && value && !gone && <FuseForm key={file} file={file} model={model} busy={busy} files={files} data={value.data ?? []} />}
    </div>
  );
}

function wordsOf({ fused, source }: Choice): string {
  return source ? " (A of this graph)" : fused ? " (fused)" : "";
}

function FuseForm({ file, model, busy, files, data }: { file: string; model: Model | null; busy: boolean; files: Choice[]; data: Held[] }): VNode {
  const [out, setOut] = useState(`${file.replace(/\.keras$/, "")}-fused.keras`);
  const [test, setTest] = useState(() => data.find((one) => /(^|\/)test\.npz$/.test(one.file))?.file ?? "");
  const list = useId();
  const [steps, setSteps] = useState("");
  const [seed, setSeed] = useState("");
  const outputs = outputsOf(model), apart = useMismatch(outputs);
  const known = useCell(state)?.classes ?? [];
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? (apart === null ? "" : known.slice(0, outputs ?? 0).join("\n"));
  const order = text.split("\n").map((name) => name.trim()).filter(Boolean);
  const short = order.length > 0 && outputs !== null && order.length !== outputs;
  const surplus = apart === null ? [] : known.filter((name) => !order.includes(name));
  const [grow, setGrow] = useState(false);
  const grows = grow && surplus.length > 0;
  const there = files.some((one) => one.file === out);
  const settings = (): Record<string, Value> => ({
    target: file, out,
    ...(test.trim() ? { test: test.trim() } : {}),
    ...(steps ? { steps: Number(steps) } : {}),
    ...(seed ? { seed: Number(seed) } : {}),
    ...(order.length ? { classes: order } : {}),
    ...(grows ? { grow: { classes: surplus } } : {}),
    ...(there ? { force: true } : {}),
  });
  return (
    <form class="fuse" onSubmit={(event) => {
      event.preventDefault();
      void ((model?.layers.length ?? 0) > 0 || grows ? begin("fuse", settings()) : mapAndFuse(file, settings()));
    }}>
      <label class="field">Write the fused B to
        <input value={out} required onInput={(event) => setOut(event.currentTarget.value)} />
      </label>
      {there && <small class="warn">That file is there, and will be replaced.</small>}
      <label class="field">Test set (x, y), to see what it was worth
        <input value={test} list={list} placeholder="without one: not measured" onInput={(event) => setTest(event.currentTarget.value)} />
        <datalist id={list}>{data.map((one) => <option key={one.file} value={one.file} />)}</datalist>
      </label>
      <details>
        <summary>Steps and seed{apart === null ? ", classes" : ""}</summary>
        <label class="field">Steps <input type="number" min="0" max="1000000" value={steps} placeholder="as long as it helps" onInput={(event) => setSteps(event.currentTarget.value)} /></label>
        <label class="field">Seed <input type="number" min="0" value={seed} placeholder="0" onInput={(event) => setSeed(event.currentTarget.value)} /></label>
        {apart === null && <ClassesOf text={text} set={setTyped} />}
      </details>
      {apart !== null && (
        <>
          <p class="before" role="status">{apart}. Say below which class each output is.</p>
          <ClassesOf text={text} set={setTyped} />
          {surplus.length > 0 && <Surplus names={surplus} grow={grow} set={setGrow} />}
        </>
      )}
      {short && <small class="warn">{count(order.length)} named, B has {count(outputs ?? 0)} outputs.</small>}
      <WriteButton type="submit" class="main" disabled={busy || !out.trim()}>{busy ? "It runs" : "Fuse"}</WriteButton>
    </form>
  );
}

// Classes for which B has no output: fuse refuses them, unless a trained B grows.
function Surplus({ names, grow, set }: { names: string[]; grow: boolean; set: (on: boolean) => void }): VNode {
  return (
    <>
      <label class="grow"><input type="checkbox" checked={grow} onChange={(event) => set(event.currentTarget.checked)} />
        {" "}B grows by an output for {names.join(", ")}. For a B that is trained already: only what is new of it is written.</label>
      {!grow && <small>Without it Fuse refuses: choose a B with an output for every class, or take back the labels of the class that is too many.</small>}
    </>
  );
}

function ClassesOf({ text, set }: { text: string; set: (text: string) => void }): VNode {
  return (
    <label class="field">Classes of B, in order, one a line
      <textarea rows={Math.min(12, Math.max(3, text.split("\n").length))} value={text} placeholder="as the graph has them" onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}
