// One concept: its name, examples, classes, neighbours, what contradicts it, the blocks of B that it reaches.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { switchConcepts } from "../actions";
import { useCell } from "../cell";
import { Example } from "../label/stage";
import { lookOf, ClassName } from "../parts/classes";
import { ConceptCard, ConceptLink } from "../parts/concept_card";
import { Bar, Busy, Table, Trouble, WriteButton } from "../parts/small";
import { go, hrefOf, openItem, tune } from "../routes";
import { source } from "../source";
import { at, highlight, map, mayWrite, state } from "../store";
import type { Block, Concept, Mass, Said } from "../types";
import { useGet, useRevision } from "../use";
import { figure, items, share, themeWords } from "../words";
import { Merge, Merged } from "./merge";
import { Name } from "./name";
import { Picker } from "./picker";

const NEAREST = 6;

export function ConceptPanel({ number, second, other }: { number: number; second: boolean; other: number | null }): VNode {
  const again = useRevision();
  const { value, problem } = useGet<Concept>(at("concept", { number }), again);
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  return (
    <article class="concept" aria-label={`Concept ${value.name}`}>
      <Name of={value} />
      <p class="facts">
        {items(value.size)}
        <ThemeOf of={value} /> · number {number}
        {!value.active && (
          <>
            {" "}
            · <strong class="is-off">off: B learns nothing of it</strong>
          </>
        )}
      </p>
      <Merged of={value} />
      <Does of={value} second={second} other={other} />
      <h3>Examples</h3>
      <ul class={`examples${value.examples.some((one) => one.text !== null && !one.picture) ? " of-text" : ""}`}>
        {value.examples.map((one) => (
          <li key={one.item}>
            <Example of={one} />
          </li>
        ))}
      </ul>
      {value.examples.length === 0 && <p class="quiet">No example is kept.</p>}
      <MoreOf of={value} />
      <h3>Leans to</h3>
      {!value.active && value.masses.length === 0 ? (
        <p class="quiet">It is switched off, so that no class reaches it.</p>
      ) : (
        <Masses of={value.masses} />
      )}
      <SaidHere of={value} />
      <Nearest of={value} />
      <Blocks of={value.blocks} />
      {value.sources && Object.keys(value.sources).length > 1 && (
        <>
          <h3>Sources</h3>
          <ul class="masses">
            {Object.entries(value.sources).map(([name, part]) => (
              <li key={name}>
                <span>{name}</span>
                <Bar value={part} />
                <span>{share(part)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}

function ThemeOf({ of }: { of: Concept }): VNode | null {
  const theme = useCell(map)?.theme_names.find((one) => one.number === of.theme);
  if (of.theme_name === null) return null;
  return (
    <>
      {" "}
      · <span class="theme-of">{theme ? themeWords(theme) : of.theme_name}</span>
    </>
  );
}

// The panel shows the first ones; the graph may keep more examples than that, and never all items as pictures.
function MoreOf({ of }: { of: Concept }): VNode | null {
  if (of.examples.length === 0 || of.examples.length >= of.size) return null;
  const q = { q: "examples", p: JSON.stringify({ concept: String(of.number), limit: "1000" }) };
  return (
    <p class="quiet">
      {of.examples.length} examples; it has {items(of.size)}.{" "}
      {!source.offline && <a href={hrefOf("ask", q)}>All examples that the graph keeps</a>}
    </p>
  );
}

function Does({ of, second, other }: { of: Concept; second: boolean; other: number | null }): VNode {
  const [open, set] = useState<"merge" | "compare" | null>(null);
  const turn = (one: "merge" | "compare"): void => set(open === one ? null : one);
  const show = (): void => {
    highlight.set([of.number]);
    go("map", { chosen: String(of.number), concept: String(of.number) });
  };
  return (
    <>
      <div class="does">
        {mayWrite() && (
          <WriteButton onClick={() => void switchConcepts([of.number], !of.active)}>
            Switch {of.active ? "off" : "on"}
          </WriteButton>
        )}
        {mayWrite() && (
          <WriteButton aria-expanded={open === "merge"} onClick={() => turn("merge")}>
            Merge …
          </WriteButton>
        )}
        {other === null ? (
          <button type="button" aria-expanded={open === "compare"} onClick={() => turn("compare")}>
            Compare …
          </button>
        ) : (
          second && (
            <button type="button" onClick={() => tune({ compare: "" }, true)}>
              Stop comparing
            </button>
          )
        )}
        {mayWrite() && (
          <button type="button" onClick={() => go("label", { concepts: String(of.number) })}>
            Label its items
          </button>
        )}
        <button type="button" onClick={show}>
          On the map
        </button>
      </div>
      {open === "merge" && <Merge of={of} done={() => set(null)} />}
      {open === "compare" && (
        <Picker
          words="Compare with"
          near={of.neighbours}
          not={of.number}
          pick={(number) => {
            set(null);
            tune({ compare: String(number) }, true);
          }}
        />
      )}
    </>
  );
}

/** Class masses as bars, the largest first; small ones are left out and said. */
export function Masses({ of, most = 6 }: { of: Mass[]; most?: number }): VNode {
  useCell(state);
  if (of.length === 0) return <p class="quiet">No class reaches it yet.</p>;
  const shown = of.filter((one, place) => place < most && (one.mass >= 0.005 || place === 0));
  return (
    <ul class="masses">
      {shown.map((one) => (
        <li key={one.class}>
          <ClassName name={one.class} />
          <Bar value={one.mass} colour={lookOf(one.class).colour} />
          <span>{share(one.mass)}</span>
        </li>
      ))}
    </ul>
  );
}

function SaidHere({ of }: { of: Concept }): VNode {
  const none = of.labels.length + of.ticks.length + of.contradictions.length === 0;
  return (
    <>
      <h3>Labels</h3>
      {none && <p class="quiet">Nobody has labelled an item of it.</p>}
      <SaidList of={of.labels} not={false} />
      <SaidList of={of.ticks} not />
      {of.contradictions.length > 0 && (
        <>
          <h3>Contradictions</h3>
          <ul class="said">
            {of.contradictions.map((one) => (
              <li key={`${one.item} ${one.class}`}>
                <button type="button" class="link" onClick={() => openItem(one.item)}>
                  {one.item}
                </button>{" "}
                is labelled {one.class}, the concept leans to {one.other}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function SaidList({ of, not }: { of: Said[]; not: boolean }): VNode | null {
  if (of.length === 0) return null;
  return (
    <ul class="said">
      {of.map((one) => (
        <li key={`${one.item} ${one.class}`}>
          <button type="button" class="link" onClick={() => openItem(one.item)}>
            {one.item}
          </button>
          <span>
            {not && <em>not </em>}
            <ClassName name={one.class} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Nearest({ of }: { of: Concept }): VNode {
  const [all, set] = useState(false);
  const shown = all ? of.neighbours : of.neighbours.slice(0, NEAREST);
  return (
    <>
      <h3>Nearest concepts</h3>
      {of.neighbours.length === 0 && <p class="quiet">No edge leads from it.</p>}
      <ul class="cards">
        {shown.map((one) => (
          <li key={one.number}>
            <ConceptCard number={one.number} note={`weight ${figure(one.weight)}`} />
          </li>
        ))}
      </ul>
      {of.neighbours.length > NEAREST && (
        <button type="button" onClick={() => set(!all)}>
          {all ? "Fewer" : `All ${of.neighbours.length}`}
        </button>
      )}
    </>
  );
}

function Blocks({ of }: { of: Block[] }): VNode {
  return (
    <>
      <h3>Blocks of B</h3>
      {of.length === 0 ? (
        <p class="quiet">It reaches no block: no B is mapped yet, or nothing of it was planned.</p>
      ) : (
        <Table
          caption="Blocks of B that the concept reaches"
          rows={of}
          columns={[
            { key: "model", head: "model", cell: (one) => one.model },
            { key: "block", head: "block", cell: (one) => `${one.layer}:${one.index}` },
            { key: "kind", head: "kind", cell: (one) => one.kind },
            { key: "strength", head: "strength", number: true, cell: (one) => figure(one.strength) },
            { key: "planned", head: "planned", number: true, cell: (one) => figure(one.planned) },
            { key: "measured", head: "measured", number: true, cell: (one) => figure(one.measured) },
          ]}
        />
      )}
    </>
  );
}

/** The concept in a line of text, for lists that name several. */
export function Named({ numbers }: { numbers: number[] }): VNode {
  return (
    <>
      {numbers.map((one, place) => (
        <span key={one}>
          {place > 0 && ", "}
          <ConceptLink number={one} />
        </span>
      ))}
    </>
  );
}
