// B: pick it, map it, fuse it, see what it gained, and look into it.
import "./b.css";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import { Empty, Trouble } from "../parts/small";
import { route, tune } from "../routes";
import { source } from "../source";
import { at, complain, graph } from "../store";
import type { Job, Model } from "../types";
import { useGet } from "../use";
import { JobCard } from "./job";
import { Layers } from "./layers";
import { Controls } from "./measure";
import type { Fused } from "./shapes";
import { useGrown } from "./since";
import { stemOf, Teach } from "./teach";
import { Trace } from "./trace";
import { ended, find, type Verb, work } from "./work";
import { Worth } from "./worth";

export function BView(): VNode {
  const { query } = useCell(route);
  const name = useCell(graph);
  const jobs = useCell(work), again = useCell(ended);
  const { value, problem } = useGet<{ models: Model[] }>(at("models"), again);
  const [found, setFound] = useState<Partial<Record<Verb, Job>> | null>(null);
  useEffect(() => { void find().then(setFound).catch(complain); }, [name]);
  const models = value?.models ?? [];
  const last = models.reduce<Model | null>((best, one) => (one.fused?.at ?? "") > (best?.fused?.at ?? "") || !best ? one : best, null);
  const file = query["target"] ?? last?.file ?? "";
  const model = models.find((one) => one.name === stemOf(file)) ?? null;
  const fused = (model?.fused ?? null) as unknown as Fused | null;
  const layer = query["layer"] ?? "";
  return (
    <div class="b-view">
      <section class="b-teach" aria-label="Teach B">
        <h1>B</h1>
        {!source.offline && <Teach file={file} model={model} choose={(next) => tune({ target: next, layer: "", trace: "" })} />}
        {source.offline && models.map((one) => <button key={one.name} type="button" aria-pressed={one === model} onClick={() => tune({ target: one.file ?? `${one.name}.keras` })}>{one.name}</button>)}
        {jobs.map && <JobCard verb="map" job={jobs.map} of={file} />}
        {jobs.fuse && <JobCard verb="fuse" job={jobs.fuse} of={file} />}
      </section>
      <div class="b-seen">
        {problem?.kind === "offline" && <p class="quiet">This file does not hold B. Open the graph with kgkt serve to see what it taught.</p>}
        {problem && problem.kind !== "offline" && <Trouble problem={problem} />}
        {fused && <Worth fused={fused} last={model === last} />}
        {fused && <Controls target={file} />}
        {model && model.layers.length > 0 && <Layers model={model} layer={layer} choose={(next) => tune({ layer: next })} trace={(what) => tune({ trace: what })} />}
        {fused && model && model.layers.length === 0 && <Gone name={model.name} fused={fused} />}
        {fused && <Trace what={query["trace"] ?? ""} tell={(what) => tune({ trace: what })} target={fused.out} held={found ? found.trace ?? null : undefined} />}
        {jobs.trace && fused && <JobCard verb="trace" job={jobs.trace} of={fused.out} />}
        {value && !model && (
          <Empty title={file ? `${file} is not mapped yet` : "No B yet"}>
            <p>B is the model that shall know what A knows, of any shape. Choose its file, map it to see which concepts reach which of its units, and fuse it.
              What it gained stands here, beside B alone.</p>
          </Empty>
        )}
      </div>
    </div>
  );
}

// What reached B's blocks is of the graph that B was mapped to: it goes when the graph becomes another.
function Gone({ name, fused }: { name: string; fused: Fused }): VNode {
  return (
    <section aria-label="Layers">
      <h2>Layers of {name}</h2>
      <p class="before">{useGrown(fused.at ?? "")
        ? "The graph was made anew or grew since B was mapped: map it again" : "B is not mapped: map it"} to see which concepts reach which of its units.</p>
    </section>
  );
}
