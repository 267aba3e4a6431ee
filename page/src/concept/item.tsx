// One item: what it is, what is said of it, its concepts, why, and what is like it.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { label } from "../actions";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { ConceptCard } from "../parts/concept_card";
import { meant, onShiftEnter, Taken } from "../parts/meant";
import { Picture } from "../parts/picture";
import { Busy, Trouble, WriteButton } from "../parts/small";
import { go, openItem } from "../routes";
import { source } from "../source";
import { at, highlight, mayWrite, state } from "../store";
import type { Item, Similar } from "../types";
import { useGet, useRevision } from "../use";
import { figure, share } from "../words";
import { Masses } from "./panel";
import { Why } from "./why";

export function ItemPanel({ id }: { id: string }): VNode {
  const again = useRevision();
  const { value, problem } = useGet<Item>(at("item", { id }), again);
  const [why, ask] = useState(false);
  if (problem && !value) return <Trouble problem={problem} />;
  if (!value) return <Busy />;
  const onMap = (): void => {
    const numbers = value.concepts.map((one) => one.number);
    highlight.set(numbers);
    go("map", { chosen: numbers.join(","), item: id });
  };
  return (
    <article class="item" aria-label={`Item ${id}`}>
      <div class="name">
        <small class="kind">Item</small>
        <h2>{id}</h2>
      </div>
      <Picture of={value} side={224} />
      <SaidOf of={value} />
      {mayWrite() && <SayOf of={value} />}
      <div class="does">
        {!source.offline && (
          <button type="button" onClick={() => go("label", { at: id })}>
            In Label
          </button>
        )}
        <button type="button" onClick={onMap}>
          On the map
        </button>
        {!source.offline && (
          <button type="button" aria-expanded={why} onClick={() => ask(!why)}>
            Why?
          </button>
        )}
      </div>
      {why && <Why id={id} />}
      <h3>The graph says</h3>
      <Masses of={value.says} />
      <h3>Its concepts</h3>
      <ul class="cards">
        {value.concepts.map((one) => (
          <li key={one.number}>
            <ConceptCard number={one.number} note={`strength ${figure(one.strength)}`} />
          </li>
        ))}
      </ul>
      {!source.offline && <Like id={id} again={again} />}
    </article>
  );
}

function SaidOf({ of }: { of: Item }): VNode {
  if (of.label === null && of.ticks.length === 0) return <p class="quiet">Nobody has labelled it.</p>;
  return (
    <p class="facts">
      {of.label !== null && (
        <>
          Labelled <ClassName name={of.label} />{" "}
        </>
      )}
      {of.ticks.map((name) => (
        <span key={name}>
          <em>not</em> {name}{" "}
        </span>
      ))}
    </p>
  );
}

function SayOf({ of }: { of: Item }): VNode {
  const [text, set] = useState("");
  const classes = useCell(state)?.classes ?? [];
  const name = text.trim(), taken = meant(text, classes);
  const say = (said: string, not = false): void => {
    if (!said) return;
    const pair = [{ item: of.item, class: said }];
    void (not ? label([], pair) : label(pair));
    set("");
  };
  return (
    <form
      class="say-of"
      onSubmit={(event) => {
        event.preventDefault();
        say(taken ?? name);
      }}
    >
      <label>
        Class{" "}
        <input
          list="item-classes"
          value={text}
          autoComplete="off"
          maxLength={200}
          aria-describedby="item-taken"
          onInput={(event) => set(event.currentTarget.value)}
          onKeyDown={(event) => onShiftEnter(event, () => say(name))}
        />
      </label>
      <datalist id="item-classes">
        {classes.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <WriteButton type="submit" disabled={!name}>
        Label
      </WriteButton>
      <WriteButton disabled={!name} onClick={() => say(taken ?? name, true)}>
        Not
      </WriteButton>
      <Taken id="item-taken" text={text} taken={taken} make={say} />
    </form>
  );
}

function Like({ id, again }: { id: string; again: string }): VNode {
  const { value, problem } = useGet<Similar>(at("similar", { item: id, n: 12 }), again);
  return (
    <>
      <h3>Similar items</h3>
      {problem ? <Trouble problem={problem} /> : value ? <SimilarList of={value} /> : <Busy />}
    </>
  );
}

/** Items like another, the nearest first. */
export function SimilarList({ of }: { of: Similar }): VNode {
  return (
    <ul class="examples">
      {of.items.map((one) => (
        <li key={one.item}>
          <button
            type="button"
            class="example"
            onClick={() => openItem(one.item)}
            aria-label={`${one.item}${one.label === null ? "" : `, ${one.label}`}, ${share(one.cosine)}`}
          >
            <Picture of={one} side={72} />
            {one.label !== null && (
              <span class="example-label">
                <ClassName name={one.label} />
              </span>
            )}
            <small>{share(one.cosine)}</small>
          </button>
        </li>
      ))}
    </ul>
  );
}
