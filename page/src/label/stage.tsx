// The item itself, what is around it in its concept, what comes next, and what the last label did.
import type { VNode } from "preact";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { ConceptLink } from "../parts/concept_card";
import { Bare } from "../parts/bare";
import { Picture } from "../parts/picture";
import { openItem } from "../routes";
import { at, mayWrite, state } from "../store";
import type { Concept, Small, Suggested } from "../types";
import { useGet, useRevision } from "../use";
import { count, items, share } from "../words";
import { done, hold, moveTo, queue, sending, takeBack } from "./queue";

const AROUND = 8;

export function Stage({ item }: { item: Suggested }): VNode {
  return (
    <section class="stage" aria-label="The item to label" aria-live="polite">
      <Picture key={item.item} of={item} side={288} />
      <div class="stage-words">
        <strong>{item.item}</strong>
        {item.concept >= 0 && (
          <span>
            in <ConceptLink number={item.concept} name={item.name} />
          </span>
        )}
        <span>
          {item.speaks_for > 0 ? `speaks for ${items(item.speaks_for)}: ` : ""}
          {item.why}
        </span>
        <Guess item={item} />
        <Bare />
      </div>
    </section>
  );
}

function Guess({ item }: { item: Suggested }): VNode | null {
  const classes = useCell(state)?.classes ?? [];
  const told = item.leans_to.slice(0, 2).filter((one) => one.mass >= 0.005);
  if (told.length === 0) return null;
  return (
    <span class="guess">
      leans to{" "}
      {told.map((one) => (
        <span key={one.class}>
          <ClassName index={classes.indexOf(one.class)} name={one.class} /> {share(one.mass)}{" "}
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
  const classes = useCell(state)?.classes ?? [];
  const place = (name: string | null): number => (name === null ? -1 : classes.indexOf(name));
  return (
    <button type="button" class="example" onClick={() => openItem(of.item)} aria-label={`${of.item}, ${said(of)}`}>
      <Picture of={of} side={side} />
      {of.label !== null ? (
        <span class="example-label">
          <ClassName index={place(of.label)} name={of.label} />
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
            <ClassName index={place(of.best)} name={of.best} />
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

/** What the last label did, and the way back. */
export function LastDone(): VNode {
  const last = useCell(done)[0];
  const busy = useCell(sending) > 0;
  const now = useCell(state);
  const index = last ? (now?.classes.indexOf(last.said.replace(/^not /, "")) ?? -1) : -1;
  return (
    <div class="last" role="status">
      {busy && <span class="quiet">Saving …</span>}
      {!busy && last && (
        <>
          <span>
            {last.item.item} <ClassName index={index} name={last.said} /> <strong class="gain">{gain(last.gained)}</strong>
          </span>
          {mayWrite() && last.edit !== null && (
            <button type="button" onClick={takeBack}>
              Undo
            </button>
          )}
        </>
      )}
    </div>
  );
}

function gain(gained: number): string {
  if (gained === 0) return "no other item changed";
  return gained > 0 ? `+${items(gained)}` : `−${items(-gained)}`;
}
