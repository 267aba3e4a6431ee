// The item itself, what is around it in its concept, what comes next, and what the last label did.
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { ConceptLink } from "../parts/concept_card";
import { Bare } from "../parts/bare";
import { Picture } from "../parts/picture";
import { WriteButton } from "../parts/small";
import { openItem } from "../routes";
import { at, mayWrite, state } from "../store";
import type { Concept, Edit, Item, Mass, Small, State, Suggested } from "../types";
import { useGet, useRevision } from "../use";
import { conceptNamed, count, editWords, items, share } from "../words";
import { type Done, done, drawn, gainOf, hold, isDrawn, moveTo, queue, sending, takeBack } from "./queue";

const AROUND = 8;

export function Stage({ item }: { item: Suggested }): VNode {
  const again = useRevision();
  const { value } = useGet<Item>(at("item", { id: item.item }), again); // others label too
  const there = useCell(drawn) === item.item;
  useEffect(() => { if (!item.picture) isDrawn(item.item); }, [item.item]);
  return (
    <section class="stage" aria-label="The item to label" aria-live="polite" aria-busy={!there}>
      <Picture key={item.item} of={item} side={288} shown={() => isDrawn(item.item)} />
      <div class="stage-words">
        <strong>{item.item}</strong>
        {value && value.label !== null && <Labelled item={item.item} label={value.label} again={again} />}
        {item.concept >= 0 && (
          <span>
            in <ConceptLink number={item.concept} name={conceptNamed(item.name)} />
          </span>
        )}
        <span>
          {item.speaks_for > 0 ? `speaks for ${items(item.speaks_for)}: ` : ""}
          {item.why}
        </span>
        <Guess of={value?.says ?? item.leans_to} />
        <Bare />
      </div>
    </section>
  );
}

// Somebody labelled it while it stood here, or before it was chosen.
function Labelled({ item, label, again }: { item: string; label: string; again: string }): VNode {
  const { value } = useGet<{ edits: Edit[] }>(at("edits"), again);
  const edit = value?.edits
    .filter((one) => one.verb === "label" && one.undone_by === null && one.what === `${item} is ${label}`)
    .reduce<Edit | null>((last, one) => (last && last.number > one.number ? last : one), null);
  return (
    <span class="labelled">
      Labelled <ClassName name={label} />
      {edit ? ` by ${edit.by}` : ""}: another label replaces it
    </span>
  );
}

function Guess({ of }: { of: Mass[] }): VNode | null {
  const told = of.slice(0, 2).filter((one) => one.mass >= 0.005);
  if (told.length === 0) return null;
  return (
    <span class="guess">
      leans to{" "}
      {told.map((one) => (
        <span key={one.class}>
          <ClassName name={one.class} /> {share(one.mass)}{" "}
        </span>
      ))}
    </span>
  );
}

/** Other examples of the item's concept, with what is known of them. */
export function Around({ item }: { item: Suggested }): VNode | null {
  const again = useRevision();
  const { value } = useGet<Concept>(item.concept < 0 ? null : at("concept", { number: item.concept }), again);
  const examples = (value?.examples ?? []).filter((one) => one.item !== item.item).slice(0, AROUND);
  return (
    <section class="around" aria-label="Other examples of its concept">
      <h2>Others in this concept</h2>
      {value && examples.length === 0 && <p class="quiet">No other example is kept.</p>}
      <ul class="examples">
        {examples.map((one) => (
          <li key={one.item}>
            <Example of={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** An example with its label, its ticks, or what it leans to. */
export function Example({ of, side = 72 }: { of: Small; side?: number }): VNode {
  return (
    <button type="button" class="example" onClick={() => openItem(of.item)} aria-label={`${of.item}, ${said(of)}`}>
      <Picture of={of} side={side} />
      {of.label !== null ? (
        <span class="example-label">
          <ClassName name={of.label} />
        </span>
      ) : (
        <span class="example-leans">
          {of.ticks.length ? (
            <>
              <em>not</em> {of.ticks.join(", ")}
            </>
          ) : of.best === null ? (
            ""
          ) : (
            <ClassName name={of.best} />
          )}
        </span>
      )}
    </button>
  );
}

function said(of: Small): string {
  if (of.label !== null) return `labelled ${of.label}`;
  if (of.ticks.length) return `not ${of.ticks.join(", ")}`;
  return of.best === null ? "no class yet" : `leans to ${of.best}`;
}

/** What comes next; arrows and clicks go through it. */
export function Strip(): VNode {
  const { items: next, place } = useCell(queue);
  return (
    <section
      class="strip"
      aria-label="What comes next"
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocusIn={() => hold(true)}
      onFocusOut={() => hold(false)}
    >
      <h2>
        Next{" "}
        <small>
          <kbd>←</kbd> <kbd>→</kbd>
        </small>
      </h2>
      <ol>
        {next.map((one, index) => (
          <li key={one.item}>
            <button
              type="button"
              class="next"
              aria-current={index === place ? "true" : undefined}
              onClick={() => moveTo(index)}
              aria-label={`${one.item}, speaks for ${items(one.speaks_for)}`}
            >
              <Picture of={one} side={64} />
              <small>{count(one.speaks_for)}</small>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What was done last, here or elsewhere: what the way back takes back. */
export function LastDone(): VNode {
  const all = useCell(done);
  const now = useCell(state);
  const busy = useCell(sending) > 0;
  const number = now?.last_edit ?? null;
  const here = all.find((one) => one.edit === number);
  return (
    <div class="last" role="status">
      {busy && <span class="quiet">Saving …</span>}
      {!busy && number !== null && (
        <>
          {here && now ? <Here of={here} now={now} /> : <Elsewhere number={number} />}
          {mayWrite() && (
            <WriteButton title={`Takes back edit ${number}`} onClick={() => takeBack()}>Undo</WriteButton>
          )}
        </>
      )}
    </div>
  );
}

function Here({ of, now }: { of: Done; now: State }): VNode {
  const gained = gainOf(of, now);
  return (
    <span>
      item {of.item.item} is {of.not && <em>not</em>} <ClassName name={of.said} />
      {gained !== null
        ? <>: <strong class={gained > 0 ? "gain" : ""}>{gain(gained, of.said)}</strong></>
        : now.working && <span class="quiet">: what that changes is being worked out</span>}
    </span>
  );
}

// A label can take items from its own class, where it shows that they are of another.
function gain(gained: number, name: string): string {
  if (gained === 0) return `as many items as before are taken for ${name}`;
  const many = Math.abs(gained);
  const words = `${count(many)} ${gained > 0 ? "more " : ""}${many === 1 ? "item" : "items"}`;
  return gained > 0 ? `${words} ${many === 1 ? "is" : "are"} taken for ${name} now`
    : `${words} that ${many === 1 ? "was" : "were"} taken for ${name} ${many === 1 ? "goes" : "go"} to other classes now`;
}

// Made in another view, by another person, or before the page was opened.
function Elsewhere({ number }: { number: number }): VNode | null {
  const { value } = useGet<{ edits: Edit[] }>(at("edits"), number);
  const edit = value?.edits.find((one) => one.number === number);
  if (!edit) return null;
  return <span>Last edit, by {edit.by}: {editWords(edit.verb, edit.what)}</span>;
}
