// Where two classes meet: the concepts between them, with examples to label, and a switch for each.
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { label, switchConcepts, undo } from "../actions";
import { useCell } from "../cell";
import { Example } from "../label/stage";
import { lookOf, ClassMark, ClassName } from "../parts/classes";
import { Bar, Busy, Empty, Trouble, WriteButton } from "../parts/small";
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
  const [, redraw] = useState(0);
  const held = useRef<Border[]>([]); // what stands here stays in its place, until the view is left or asked to look again
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  if (held.current.length === 0) held.current = value.borders;
  const all = held.current;
  const renew = (): void => {
    held.current = value.borders;
    redraw((n) => n + 1);
  };
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
      <div class="pairs-side">
        <button type="button" disabled={JSON.stringify(all) === JSON.stringify(value.borders)} onClick={renew}>
          Refresh
        </button>
        <Pairs of={all} open={open} />
      </div>
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
  return (
    <ul class="pairs" aria-label="Pairs of classes">
      {of.map((one) => (
        <li key={`${one.a}\n${one.b}`}>
          <button type="button" aria-pressed={one === open} onClick={() => tune({ a: one.a, b: one.b }, true)}>
            <span>
              <ClassName name={one.a} /> and{" "}
              <ClassName name={one.b} />
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
  const [touched, touch] = useState<ReadonlySet<number>>(new Set());
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
            <WriteButton onClick={() => void back()}>Undo</WriteButton>
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
          touched={touched.has(one.number)}
          did={(edited) => {
            set(edited);
            touch(new Set([...touched, one.number]));
          }}
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
  touched: boolean; // something was corrected here
  did: (edited: Edited) => void;
}

function Mixed({ number, name, size, masses, a, b, touched, did }: MixedOf): VNode {
  const again = useRevision();
  const on = useCell(map)?.active[number] ?? true;
  const { value } = useGet<Concept>(at("concept", { number }), again);
  const now = value && new Map(value.masses.map((of) => [of.class, of.mass]));
  const tell = (edited: Edited | null): void => {
    if (edited) did(edited);
  };
  return (
    <article class={`mixed${touched ? " settled" : ""}`} aria-label={`Concept ${name}`}>
      <div class="mixed-head">
        <strong>
          <button type="button" class="link" onClick={() => openConcept(number)}>
            {name}
          </button>
        </strong>{" "}
        <small>{items(size)}</small>
        {mayWrite() && (
          <WriteButton onClick={() => void switchConcepts([number], !on).then(tell)}>Switch {on ? "off" : "on"}</WriteButton>
        )}
        {touched && <small>corrected here</small>}
      </div>
      <ul class="masses">
        {masses.map(([one, held]) => ({ one, mass: now ? (now.get(one) ?? 0) : held })).map(({ one, mass }) => (
          <li key={one}>
            <ClassName name={one} />
            <Bar value={mass} colour={lookOf(one).colour} />
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
                  <WriteButton
                    key={to}
                    title={to}
                    aria-label={`${one.item} is ${to}`}
                    disabled={one.label === to}
                    onClick={() => void label([{ item: one.item, class: to }], [], { quiet: true }).then(tell)}
                  >
                    <ClassMark name={to} side={12} /> {to}
                  </WriteButton>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </article>
  );
}
