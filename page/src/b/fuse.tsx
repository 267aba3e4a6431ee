// The two verbs that teach B, and what they are told: map, then fuse.
import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { WriteButton } from "../parts/small";
import { state } from "../store";
import type { Model, Value } from "../types";
import { count } from "../words";
import { type Field, meantBy, NAMES, wanted } from "./fields";
import { More, NOTHING, reading, training } from "./more";
import { outputsOf, useMismatch } from "./since";
import { begin, isRunning, mapAndFuse, work } from "./work";

interface Given { file: string; model: Model | null; outputs: number | null; busy: boolean; there: (out: string) => boolean; data: readonly string[] }

export function FuseForm({ file, model, outputs: told, busy, there, data }: Given): VNode {
  const [out, setOut] = useState(`${file.replace(/\.keras$/, "")}-fused.keras`);
  const [test, setTest] = useState(() => data.find((one) => /(^|\/)test\.npz$/.test(one)) ?? "");
  const [more, setMore] = useState(NOTHING);
  const [open, setOpen] = useState(false);
  const all = useRef<HTMLDivElement>(null);
  const list = useId();
  const outputs = told ?? outputsOf(model), apart = useMismatch(outputs);
  const known = useCell(state)?.classes ?? [];
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? (apart === null ? "" : known.slice(0, outputs ?? 0).join("\n"));
  const order = text.split("\n").map((name) => name.trim()).filter(Boolean);
  const short = order.length > 0 && outputs !== null && order.length !== outputs;
  const surplus = apart === null ? [] : known.filter((name) => !order.includes(name));
  const [grow, setGrow] = useState(false);
  const grows = grow && surplus.length > 0;
  const show = (field: Field): void => {
    if (all.current?.querySelector(`details [name="${field}"]`)) setOpen(true);
    setTimeout(() => all.current?.querySelector<HTMLElement>(`[name="${field}"]`)?.focus());
  };
  useFailed(show);
  const read = (): Record<string, Value> => ({ ...reading(more), ...(order.length ? { classes: order } : {}) });
  const mapping = (): Record<string, Value> => ({ target: file, ...read(), ...(more.method ? { method: more.method } : {}) });
  const settings = (): Record<string, Value> => ({
    target: file, out, ...read(), ...training(more),
    ...(test.trim() ? { test: test.trim() } : {}),
    ...(grows ? { grow: { classes: surplus } } : {}),
    ...(there(out) ? { force: true } : {}),
  });
  return (
    <div class="teach" ref={all}>
      <div class="teach-map">
        <WriteButton disabled={busy} onClick={() => void begin("map", mapping())}>Map</WriteButton>
        <small>Says which concepts reach which blocks of B's weights. Fuse begins with it where it was not done.</small>
      </div>
      <form class="fuse" onSubmit={(event) => {
        event.preventDefault();
        void ((model?.layers.length ?? 0) > 0 || grows ? begin("fuse", settings()) : mapAndFuse(mapping(), settings()));
      }}>
        <label class="field">{NAMES.out}
          <input name="out" value={out} required onInput={(event) => setOut(event.currentTarget.value)} />
        </label>
        {there(out) && <small class="warn">That file is there, and will be replaced.</small>}
        <label class="field">{NAMES.test}
          <input name="test" value={test} list={list} placeholder="without one: not measured" onInput={(event) => setTest(event.currentTarget.value)} />
          <datalist id={list}>{data.map((one) => <option key={one} value={one} />)}</datalist>
        </label>
        {apart !== null && (
          <>
            <p class="before" role="status">{apart}. Say below which class each output is.</p>
            <ClassesOf text={text} set={setTyped} />
            {surplus.length > 0 && <Surplus names={surplus} grow={grow} set={setGrow} />}
          </>
        )}
        {short && <small class="warn">{count(order.length)} named, B has {count(outputs ?? 0)} outputs.</small>}
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>More: steps, seed{apart === null ? ", classes" : ""}, what B reads</summary>
          <More told={more} tell={setMore} files={data}>
            {apart === null && <ClassesOf text={text} set={setTyped} />}
          </More>
        </details>
        <WriteButton type="submit" class="main" disabled={busy || !out.trim()}>{busy ? "It runs" : "Fuse"}</WriteButton>
      </form>
    </div>
  );
}

// A job that fails for want of a field opens it; so does a press on the error.
function useFailed(show: (field: Field) => void): void {
  const { map, fuse } = useCell(work);
  const asked = useCell(wanted);
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const job of [map, fuse]) {
      if (!job) continue;
      if (isRunning(job)) seen.current.add(job.id);
      else if (seen.current.delete(job.id) && job.error) wanted.set(meantBy(job.error.message)?.field ?? null);
    }
  }, [map, fuse]);
  useEffect(() => {
    if (asked === null) return;
    wanted.set(null);
    show(asked);
  }, [asked]);
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
    <label class="field">{NAMES.classes}, one a line
      <textarea name="classes" rows={Math.min(12, Math.max(3, text.split("\n").length))} value={text} placeholder="as the graph has them" onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}
