// What is seldom told of B: how it is read, and how long it is trained. All of it is told to map as to fuse.
import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";
import type { Value } from "../types";
import { NAMES, type Field } from "./fields";

export interface Told { data: string; output: string; pixels: string; logits: string; method: string; shift: boolean; steps: string; seed: string }

export const NOTHING: Told = { data: "", output: "", pixels: "", logits: "", method: "", shift: false, steps: "", seed: "" };

const PIXELS = ["raw", "0..1", "-1..1"];

/** What map takes of it, and fuse as well; what is not told is left out. */
export function reading({ data, output, pixels, logits }: Told): Record<string, Value> {
  return {
    ...(data.trim() ? { data: data.trim() } : {}),
    ...(output.trim() ? { output: output.trim() } : {}),
    ...(pixels ? { pixels } : {}),
    ...(logits ? { from_logits: logits === "logits" } : {}),
  };
}

/** What fuse takes besides. */
export function training({ steps, seed, shift }: Told): Record<string, Value> {
  return {
    ...(steps ? { steps: Number(steps) } : {}),
    ...(seed ? { seed: Number(seed) } : {}),
    ...(shift ? { allow_shift: true } : {}),
  };
}

export function More({ told, tell, files, children }: {
  told: Told; tell: (told: Told) => void; files: readonly string[]; children?: ComponentChildren;
}): VNode {
  const list = useId();
  const set = (part: Partial<Told>): void => tell({ ...told, ...part });
  return (
    <>
      <label class="field">Steps <input type="number" min="0" max="1000000" value={told.steps} placeholder="as long as it helps" onInput={(event) => set({ steps: event.currentTarget.value })} /></label>
      <label class="field">Seed <input type="number" min="0" value={told.seed} placeholder="0" onInput={(event) => set({ seed: event.currentTarget.value })} /></label>
      {children}
      <label class="field">{NAMES.data}
        <input name="data" list={list} value={told.data} placeholder="what the graph was made of" onInput={(event) => set({ data: event.currentTarget.value })} />
        <datalist id={list}>{files.map((one) => <option key={one} value={one} />)}</datalist>
        <small>A file of the folder that is served, with item_id, where B reads other data than A: features, say.</small>
      </label>
      <label class="field">{NAMES.output}
        <input name="output" value={told.output} placeholder="its only one" onInput={(event) => set({ output: event.currentTarget.value })} />
      </label>
      <Choice name="logits" value={told.logits} first="as its last layer says" choices={["logits", "probabilities"]} set={(logits) => set({ logits })} />
      <Choice name="pixels" value={told.pixels} first="as A's" choices={PIXELS} set={(pixels) => set({ pixels })} />
      <Choice name="method" value={told.method} first="as kgkt.toml says" choices={["communities", "network", "auto"]} set={(method) => set({ method })} />
      <label class="grow"><input type="checkbox" name="shift" checked={told.shift} onChange={(event) => set({ shift: event.currentTarget.checked })} />{" "}{NAMES.shift}</label>
    </>
  );
}

function Choice({ name, value, first, choices, set }: {
  name: Field; value: string; first: string; choices: readonly string[]; set: (value: string) => void;
}): VNode {
  return (
    <label class="field">{NAMES[name]}
      <select name={name} value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{first}</option>
        {choices.map((one) => <option key={one} value={one}>{one}</option>)}
      </select>
    </label>
  );
}
