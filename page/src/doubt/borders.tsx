// Where two classes meet: the concepts between them, with examples to label, and a switch for each.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { label, switchConcepts, undo } from "../actions";
import { useCell } from "../cell";
import { Example } from "../label/stage";
import { classColour, ClassMark, ClassName } from "../parts/classes";
import { Bar, Busy, Empty, Trouble } from "../parts/small";
import { hrefOf, openConcept, route, tune, go } from "../routes";
import { at, highlight, mayWrite, map, state } from "../store";
import type { Border, Concept, Edited } from "../types";
import { useGet, useRevision } from "../use";
import { concepts, items, share } from "../words";

const EXAMPLES = 6;

export function Borders(): VNode {
  const again = useRevision();
  const { query } = useCell(route);
  const working = useCell(state)?.working ?? false;
  const { value, problem } = useGet<{ borders: Border[] }>(at("borders"), again);
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  const all = value.borders;
  const open = query["a"] ? all.find((one) => one.a === query["a"] && one.b === query["b"]) : all[0];
  if (all.length === 0 && working)
    return <Busy words="The items' answer is being worked out; it tells more than the concepts'" />;
  if (all.length === 0 && !query["a"]) {
    return (
      <Empty title="No concept lies between two classes">
        <p>
          That is so when fewer than two classes have labels, or every concept leans clearly to one.{" "}
          <a href={hrefOf("label")}>Label more items</a>.
        </p>
      </Empty>
    );
  }
  return (
    <div class="borders">
      <Pairs of={all} open={open} />
      {open ? (
        <Between key={`${open.a}\n${open.b}`} of={open} />
      ) : (
        <p class="quiet">
          No concept lies between {query["a"]} and {query["b"]} any more.
        </p>
      )}
    </div>
  );
}

function Pairs({ of, open }: { of: Border[]; open: Border | undefined }): VNode {
  const classes = useCell(state)?.classes ?? [];
  return (
    <ul class="pairs" aria-label="Pairs of classes">
      {of.map((one) => (
        <li key={`${one.a}\n${one.b}`}>
          <button type="button" aria-pressed={one === open} onClick={() => tune({ a: one.a, b: one.b }, true)}>
            <span>
              <ClassName index={classes.indexOf(one.a)} name={one.a} /> and{" "}
              <ClassName index={classes.indexOf(one.b)} name={one.b} />
            </span>
            <small>
              {items(one.items)} in {concepts(one.concepts.length)}
            </small>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Between({ of }: { of: Border }): VNode {
  const [done, set] = useState<Edited | null>(null);
  const numbers = of.concepts.map((one) => one.number);
  const back = async (): Promise<void> => {
    if (await undo(done?.edit ?? null, { quiet: true })) set(null);
  };
  return (
    <section class="between" aria-label={`Between ${of.a} and ${of.b}`}>
      <div class="does">
        <button
          type="button"
          onClick={() => {
            highlight.set(numbers);
            go("map", { colour: "class" });
          }}
        >
          Show on the map
        </button>
        {mayWrite() && (
          <button type="button" onClick={() => go("label", { concepts: numbers.join(",") })}>
            Label their items
          </button>
        )}
        {done?.edit != null && (
          <span class="last" role="status">
            {done.words}{" "}
            <button type="button" onClick={() => void back()}>
              Undo
            </button>
          </span>
        )}
      </div>
      {of.concepts.map((one) => (
        <Mixed
          key={one.number}
          number={one.number}
          name={one.name}
          size={one.size}
          masses={one.masses}
          a={of.a}
          b={of.b}
          did={set}
        />
      ))}
    </section>
  );
}

interface MixedOf {
  number: number;
  name: string;
  size: number;
  masses: [string, number][];
  a: string;
  b: string;
  did: (edited: Edited) => void;
}

function Mixed({ number, name, size, masses, a, b, did }: MixedOf): VNode {
  const again = useRevision();
  const classes = useCell(state)?.classes ?? [];
  const on = useCell(map)?.active[number] ?? true;
  const { value } = useGet<Concept>(at("concept", { number }), again);
  const tell = (edited: Edited | null): void => {
    if (edited) did(edited);
  };
  return (
    <article class="mixed" aria-label={`Concept ${name}`}>
      <div class="mixed-head">
        <strong>
          <button type="button" class="link" onClick={() => openConcept(number)}>
            {name}
          </button>
        </strong>{" "}
        <small>{items(size)}</small>
        {mayWrite() && (
          <button type="button" onClick={() => void switchConcepts([number], !on).then(tell)}>
            Switch {on ? "off" : "on"}
          </button>
        )}
      </div>
      <ul class="masses">
        {masses.map(([one, mass]) => (
          <li key={one}>
            <ClassName index={classes.indexOf(one)} name={one} />
            <Bar value={mass} colour={classColour(classes.indexOf(one))} />
            <span>{share(mass)}</span>
          </li>
        ))}
      </ul>
      <ul class="examples">
        {(value?.examples ?? []).slice(0, EXAMPLES).map((one) => (
          <li key={one.item}>
            <Example of={one} />
            {mayWrite() && (
              <span class="either">
                {[a, b].map((to) => (
                  <button
                    key={to}
                    type="button"
                    aria-label={`${one.item} is ${to}`}
                    disabled={one.label === to}
                    onClick={() => void label([{ item: one.item, class: to }], [], { quiet: true }).then(tell)}
                  >
                    <ClassMark index={classes.indexOf(to)} side={12} /> {to}
                  </button>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </article>
  );
}
