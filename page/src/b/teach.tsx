// Which file is B, and below it what teaches it.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import { at, mayWrite } from "../store";
import type { Model, Target } from "../types";
import { useGet } from "../use";
import { FuseForm } from "./fuse";
import { ended, isRunning, work } from "./work";

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
      {file && value && !gone && (
        <FuseForm key={file} file={file} model={model} busy={busy} there={(out) => files.some((one) => one.file === out)}
          outputs={files.find((one) => one.file === file)?.outputs ?? null} data={(value.data ?? []).map((one) => one.file)} />
      )}
    </div>
  );
}

function wordsOf({ fused, source }: Choice): string {
  return source ? " (A of this graph)" : fused ? " (fused)" : "";
}
