// The layers of B with their blocks, and the concepts behind each block.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { ConceptCard } from "../parts/concept_card";
import { Bar, Busy, Trouble } from "../parts/small";
import { at, highlight } from "../store";
import { go } from "../routes";
import type { LayerBlock, Model } from "../types";
import { useGet } from "../use";
import { count, figure, moreWords } from "../words";
import { blockWords } from "./shapes";
import { ended } from "./work";

interface NamedBlock extends LayerBlock { name?: string | null; of?: number }

const PAGE = 24;

export function Layers({ model, layer, choose, trace }: {
  model: Model; layer: string; choose: (layer: string) => void; trace: (what: string) => void;
}): VNode {
  return (
    <section aria-label="Layers">
      <h2>Layers of {model.name}</h2>
      <div class="layer-tabs" role="group" aria-label="Layers">
        {model.layers.map((one) => (
          <button key={one.layer} type="button" aria-pressed={one.layer === layer} onClick={() => choose(one.layer === layer ? "" : one.layer)}>
            {one.layer} <small>{blockWords(one.kind, one.blocks)}</small>
          </button>
        ))}
      </div>
      {layer && model.layers.some((one) => one.layer === layer) && <Blocks key={`${model.name}/${layer}`} model={model.name} layer={layer} trace={trace} />}
    </section>
  );
}

function Blocks({ model, layer, trace }: { model: string; layer: string; trace: (what: string) => void }): VNode {
  const again = useCell(ended);
  const { value, problem } = useGet<{ blocks: NamedBlock[] }>(at("blocks", { model, layer }), again);
  const [shown, setShown] = useState(PAGE);
  const [open, setOpen] = useState<number | null>(null);
  if (problem) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  const { blocks } = value;
  return (
    <>
      <ul class="blocks">
        {blocks.slice(0, shown).map((block) => (
          <BlockCard key={block.index} block={block} layer={layer} open={open === block.index} trace={trace}
            turn={() => setOpen(open === block.index ? null : block.index)} />
        ))}
      </ul>
      {blocks.length > shown && <button type="button" onClick={() => setShown(shown + 4 * PAGE)}>{moreWords(4 * PAGE, blocks.length - shown)}</button>}
    </>
  );
}

function BlockCard({ block, layer, open, turn, trace }: {
  block: NamedBlock; layer: string; open: boolean; turn: () => void; trace: (what: string) => void;
}): VNode {
  const name = block.kind === "head" && block.name ? `class ${block.name}` : `${block.kind} ${block.index}`;
  const strongest = block.concepts[0];
  const mark = (): void => { highlight.set(block.concepts.map((one) => one.number)); go("map"); };
  return (
    <li class={`block${open ? " open" : ""}`}>
      <button type="button" class="block-head" aria-expanded={open} onClick={turn}>
        <strong>{name}</strong>
        <small>{strongest ? `${strongest.name}${block.concepts.length > 1 ? ` and ${count((block.of ?? block.concepts.length) - 1)} more` : ""}` : "no concept"}</small>
        {strongest && <Bar value={Math.abs(strongest.measured ?? strongest.strength)} />}
      </button>
      {open && (
        <div class="block-body">
          {block.concepts.slice(0, 8).map((one) => <ConceptCard key={one.number} number={one.number} note={reach(one)} />)}
          <p class="row">
            {strongest && <button type="button" onClick={mark}>Show them on the map</button>}
            <button type="button" onClick={() => trace(block.kind === "head" && block.name ? block.name : `${layer}:${block.index}`)}>Trace it</button>
          </p>
        </div>
      )}
    </li>
  );
}

function reach({ strength, planned, measured }: NamedBlock["concepts"][number]): string {
  const edited = planned !== null && Math.abs(planned - strength) > 1e-6 ? `, edited from ${figure(planned)}` : "";
  return `strength ${figure(strength)}${edited}, ${measured === null ? "not measured in B" : `measured ${figure(measured)}`}`;
}
