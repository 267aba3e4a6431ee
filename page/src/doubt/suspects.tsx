// Labels that look wrong, the most doubted first: accept what the graph expects, correct, or keep.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { label, undo } from "../actions";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { Picture } from "../parts/picture";
import { Busy, Empty, Trouble, WriteButton } from "../parts/small";
import { hrefOf, openItem } from "../routes";
import { at, connected, mayWrite, state, UNSAVED } from "../store";
import type { Suspect, Suspects as Told } from "../types";
import { useGet, useKeys, useRevision } from "../use";
import { count, share } from "../words";
import { keep, kept, nameOf, unkeep, unkeepAll } from "./kept";

interface Did {
  words: string;
  edit: number | null;
  state: "saving" | "saved" | "kept";
}

// What was done here, by item and the label that was doubted: it stays in its place, with the way back, until the view is
// left or asked to look again.
const did = new Map<string, Did>();

export function Suspects(): VNode {
  const now = useCell(state);
  const again = useRevision();
  const asked = (now?.label_count ?? 0) > 0;
  const { value, problem, waiting } = useGet<Told>(asked ? at("suspects", { n: 20 }) : null, again);
  const away = useCell(kept);
  const { shown, gone, redraw, renew } = useShown(value?.suspects ?? [], away);
  if (!asked)
    return (
      <Empty title="No labels to doubt">
        <p>
          First label some items in <a href={hrefOf("label")}>Label</a>.
        </p>
      </Empty>
    );
  if (problem && !value)
    return problem.kind === "input" ? <TooFew words={problem.message} /> : <Trouble problem={problem} />;
  if (!value) return <Busy words="Holding every label against what the graph says" />;
  if (value.judged === 0 && shown.length === 0) return <TooFew words={[...value.passed_over, ...value.notices].join("; ")} />;
  return (
    <>
      <p class="facts">
        {count(value.issues)} of {count(value.judged)} labels look wrong.
        {waiting && " Looking again …"}{" "}
        {away.size > 0 && (
          <button type="button" class="link" onClick={unkeepAll}>
            Show the {count(away.size)} kept again
          </button>
        )}{" "}
        <button type="button" onClick={renew}>
          Refresh
        </button>
      </p>
      {[...value.passed_over, ...value.notices].map((words) => (
        <p key={words} class="quiet">
          {words}
        </p>
      ))}
      {shown.length === 0 ? (
        <Empty title="No label looks wrong">
          <p>
            See <a href={hrefOf("doubt", { part: "borders" })}>what lies between two classes</a>.
          </p>
        </Empty>
      ) : (
        <List of={shown} gone={gone} changed={redraw} />
      )}
    </>
  );
}

// The name of a class can be a number, too.
const quoted = (words: string): string =>
  words.replace(/no class has (\d+) labels, and (.+) has most, (\d+)/, 'no class has $1 labels; the class "$2" has the most: $3');

function TooFew({ words }: { words: string }): VNode {
  return (
    <Empty title="No label can be judged yet">
      {words && <p>{quoted(words).replace(/\.?$/, ".")}</p>}
      <p>
        <a href={hrefOf("label")}>Label more items</a>, or see{" "}
        <a href={hrefOf("doubt", { part: "borders" })}>what lies between two classes</a>.
      </p>
    </Empty>
  );
}

interface Shown {
  shown: Suspect[];
  gone: ReadonlySet<string>; // no longer doubted
  redraw: () => void;
  renew: () => void;
}

// Those of before in their places, then those that come.
function useShown(told: Suspect[], away: ReadonlySet<string>): Shown {
  const [, draw] = useState(0);
  const before = useRef<Suspect[]>([]);
  useEffect(() => () => did.clear(), []);
  const name = (one: Suspect): string => nameOf(one.item, one.given);
  const there = new Set(told.map(name));
  const stay = before.current;
  const fresh = told.filter(
    (one) => !stay.some((old) => name(old) === name(one)) && (did.has(name(one)) || !away.has(name(one))),
  );
  before.current = [...stay, ...fresh];
  const redraw = (): void => draw((n) => n + 1);
  const renew = (): void => {
    did.clear();
    before.current = [];
    redraw();
  };
  return { shown: before.current, gone: new Set(stay.map(name).filter((one) => !there.has(one))), redraw, renew };
}

function List({ of, gone, changed }: { of: Suspect[]; gone: ReadonlySet<string>; changed: () => void }): VNode {
  const list = useRef<HTMLUListElement>(null);
  const step = (by: number): void => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>(".suspect") ?? [])];
    const here = all.findIndex((one) => one.contains(document.activeElement));
    all[Math.min(all.length - 1, Math.max(0, here + by))]?.focus();
  };
  useKeys((event) => {
    const here = document.activeElement?.closest<HTMLElement>(".suspect");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      step(event.key === "ArrowDown" ? 1 : -1);
      return true;
    }
    if (event.key !== "a" && event.key !== "k" && event.key !== "c" && event.key !== "u") return false;
    if (!here) step(1); // the first is chosen; the next press acts on it
    if (!here) return true;
    if (event.repeat) return true; // a key that is held says one thing
    here.querySelector<HTMLElement>(`[data-key="${event.key}"]`)?.[event.key === "c" ? "focus" : "click"]();
    return true;
  });
  return (
    <>
      {mayWrite() && (
        <p class="quiet keys">
          <kbd>↑</kbd> <kbd>↓</kbd> through them, <kbd>a</kbd> accept, <kbd>c</kbd> another class, <kbd>k</kbd> keep,{" "}
          <kbd>u</kbd> undo
        </p>
      )}
      <ul class="suspects" ref={list}>
        {of.map((one) => (
          <li key={nameOf(one.item, one.given)}>
            <One of={one} gone={gone.has(nameOf(one.item, one.given))} changed={changed} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Because({ of }: { of: Suspect }): VNode | null {
  if (of.because.length === 0) return null;
  return (
    <small>
      It hears{" "}
      {of.because.map((one, place) => (
        <span key={one.item}>
          {place > 0 && ", "}
          <button type="button" class="link" onClick={() => openItem(one.item)}>
            {one.item}
          </button>{" "}
          ({one.class}, {share(one.share)})
        </span>
      ))}
    </small>
  );
}

function One({ of, gone, changed }: { of: Suspect; gone: boolean; changed: () => void }): VNode {
  const classes = useCell(state)?.classes ?? [];
  const name = nameOf(of.item, of.given);
  const done = did.get(name);
  const said = (one: string): VNode => <ClassName name={one} />;
  const set = async (to: string): Promise<void> => {
    did.set(name, { words: `saving ${to} …`, edit: null, state: "saving" }); // before the graph says that it is no suspect now
    changed();
    const edited = await label([{ item: of.item, class: to }], [], { quiet: true });
    if (edited) did.set(name, { words: `now ${to}`, edit: edited.edit, state: "saved" });
    else did.delete(name);
    changed();
  };
  const back = async (): Promise<void> => {
    if (done?.state === "kept") unkeep(of.item, of.given);
    else if (!(await undo(done?.edit ?? null, { quiet: true }))) return;
    did.delete(name);
    changed();
  };
  return (
    <article
      class={`suspect${done || gone ? " settled" : ""}`}
      tabIndex={0}
      aria-label={`${of.item}: labelled ${of.given}, the graph expects ${of.expected}`}
    >
      <button type="button" class="example" aria-label={`Open ${of.item}`} onClick={() => openItem(of.item)}>
        <Picture of={of} side={96} />
      </button>
      <div class="suspect-words">
        <strong>{of.item}</strong>
        <span>
          labelled {said(of.given)}, expected {said(of.expected)}
        </span>
        <Because of={of} />
        {gone && !done && <small>Not among the most doubted now.</small>}
        {done ? (
          <div class="does">
            <span>{done.words}</span>{" "}
            {done.state !== "saving" && (
              <WriteButton data-key="u" onClick={() => void back()}>
                Undo
              </WriteButton>
            )}
          </div>
        ) : (
          mayWrite() && (
            <div class="does">
              <WriteButton data-key="a" onClick={() => void set(of.expected)}>
                Accept {of.expected}
              </WriteButton>
              <Other classes={classes.filter((one) => one !== of.given)} set={(to) => void set(to)} />
              <button
                type="button"
                data-key="k"
                onClick={() => {
                  did.set(name, { words: `kept ${of.given}, in this browser`, edit: null, state: "kept" });
                  keep(of.item, of.given);
                  changed();
                }}
              >
                Keep {of.given}
              </button>
            </div>
          )
        )}
      </div>
    </article>
  );
}

/** Another class, from a list. */
export function Other({ classes, set }: { classes: string[]; set: (to: string) => void }): VNode {
  const there = useCell(connected);
  return (
    <select
      data-key="c"
      disabled={!there}
      title={there ? undefined : UNSAVED}
      aria-label="Another class"
      value=""
      onChange={(event) => {
        if (event.currentTarget.value) set(event.currentTarget.value);
      }}
    >
      <option value="">Another class …</option>
      {classes.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}
