// Which file is B, and the two verbs that teach it: map, then fuse.
import type { VNode } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { useCell } from "../cell";
import { WriteButton } from "../parts/small";
import { at, mayWrite } from "../store";
import type { Target, Value } from "../types";
import { useGet } from "../use";
import { begin, ended, isRunning, mapAndFuse, work } from "./work";

interface Choice extends Target { source?: boolean }
interface Held { file: string; bytes: number }

const OTHER = "\n";  // no file is called so

export const stemOf = (file: string): string => file.replace(/^.*\//, "").replace(/\.keras$/, "");

export function Teach({ file, mapped, choose }: { file: string; mapped: boolean; choose: (file: string) => void }): VNode {
  const again = useCell(ended);
  const { value } = useGet<{ files: Choice[]; data?: Held[] }>(at("targets"), again);
  const files = value?.files ?? [];
  const known = files.some((one) => one.file === file);
  const only = files.filter((one) => !one.source && !one.fused);
  useEffect(() => { if (file === "" && only.length === 1) choose(only[0]!.file); }, [value]);
  const [typed, setTyped] = useState(false);
  const jobs = useCell(work);
  const busy = isRunning(jobs.map) || isRunning(jobs.fuse);
  if (!mayWrite()) return <p class="quiet">This page only reads. With kgkt serve --rw, B is mapped and fused from here.</p>;
  return (
    <div class="teach">
      <label class="field">B, the model that is taught
        <select value={typed || (!known && file) ? OTHER : file} onChange={(event) => {
          const { value: next } = event.currentTarget;
          setTyped(next === OTHER);
          choose(next === OTHER ? "" : next);
        }}>
          <option value="">Choose a file …</option>
          {files.map((one) => <option key={one.file} value={one.file}>{one.file}{wordsOf(one)}</option>)}
          <option value={OTHER}>Another name …</option>
        </select>
      </label>
      {(typed || (!known && file !== "")) && (
        <label class="field">Its file
          <input value={file} placeholder="models/b.keras" onChange={(event) => choose(event.currentTarget.value.trim())} />
        </label>
      )}
      {value && files.length === 0 && <p class="quiet">There is no .keras file in the folder that is served.</p>}
      <div class="teach-map">
        <WriteButton disabled={!file || busy} onClick={() => void begin("map", { target: file })}>Map</WriteButton>
        <small>Says which concepts reach which blocks of B's weights. Fuse begins with it where it was not done.</small>
      </div>
      {file && value && <FuseForm key={file} file={file} mapped={mapped} busy={busy} files={files} data={value.data ?? []} />}
    </div>
  );
}

function wordsOf({ fused, source }: Choice): string {
  return source ? " (A of this graph)" : fused ? " (fused)" : "";
}

function FuseForm({ file, mapped, busy, files, data }: { file: string; mapped: boolean; busy: boolean; files: Choice[]; data: Held[] }): VNode {
  const [out, setOut] = useState(`${file.replace(/\.keras$/, "")}-fused.keras`);
  const [test, setTest] = useState(() => data.find((one) => /(^|\/)test\.npz$/.test(one.file))?.file ?? "");
  const list = useId();
  const [steps, setSteps] = useState("");
  const [seed, setSeed] = useState("");
  const there = files.some((one) => one.file === out);
  const settings = (): Record<string, Value> => ({
    target: file, out,
    ...(test.trim() ? { test: test.trim() } : {}),
    ...(steps ? { steps: Number(steps) } : {}),
    ...(seed ? { seed: Number(seed) } : {}),
    ...(there ? { force: true } : {}),
  });
  return (
    <form class="fuse" onSubmit={(event) => {
      event.preventDefault();
      void (mapped ? begin("fuse", settings()) : mapAndFuse(file, settings()));
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
        <summary>Steps and seed</summary>
        <label class="field">Steps <input type="number" min="0" max="1000000" value={steps} placeholder="as long as it helps" onInput={(event) => setSteps(event.currentTarget.value)} /></label>
        <label class="field">Seed <input type="number" min="0" value={seed} placeholder="0" onInput={(event) => setSeed(event.currentTarget.value)} /></label>
      </details>
      <WriteButton type="submit" class="main" disabled={busy || !out.trim()}>{busy ? "It runs" : "Fuse"}</WriteButton>
    </form>
  );
}
