// Labels that look wrong, the most doubted first: accept what the graph expects, correct, or keep.
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { label, undo } from "../actions";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { Picture } from "../parts/picture";
import { Busy, Empty, Trouble } from "../parts/small";
import { hrefOf, openItem } from "../routes";
import { at, mayWrite, state } from "../store";
import type { Suspect, Suspects as Told } from "../types";
import { useGet, useKeys, useRevision } from "../use";
import { count, share } from "../words";
import { keep, kept, nameOf, unkeep, unkeepAll } from "./kept";

interface Did {
  words: string;
  edit: number | null;
  state: "saving" | "saved" | "kept";
}

// What was done here, by item and the label that was doubted: it stays in its place, with the way back.
const did = new Map<string, Did>();

export function Suspects(): VNode {
  const now = useCell(state);
  const again = useRevision();
  const asked = (now?.label_count ?? 0) > 0;
  const { value, problem, waiting } = useGet<Told>(asked ? at("suspects", { n: 20 }) : null, again);
  const away = useCell(kept);
  const [shown, hold] = useShown(value?.suspects ?? [], away);
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
  return (
    <>
      <p class="facts">
        {count(value.issues)} of {count(value.judged)} labels look wrong.
        {waiting && " Looking again …"}{" "}
        {away.size > 0 && (
          <button type="button" class="link" onClick={unkeepAll}>
            Show the {count(away.size)} kept again
          </button>
        )}
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
        <List of={shown} changed={hold} />
      )}
    </>
  );
}

function TooFew({ words }: { words: string }): VNode {
  return (
    <Empty title="No label can be judged yet">
      <p>{words}.</p>
      <p>
        <a href={hrefOf("label")}>Label more items</a>, or see{" "}
        <a href={hrefOf("doubt", { part: "borders" })}>what lies between two classes</a>.
      </p>
    </Empty>
  );
}

// Those that come, and those of before with which something was done.
function useShown(told: Suspect[], away: ReadonlySet<string>): [Suspect[], () => void] {
  const [, redraw] = useState(0);
  const before = useRef<Suspect[]>([]);
  const name = (one: Suspect): string => nameOf(one.item, one.given);
  const there = new Set(told.map(name));
  const stay = before.current.filter((one) => did.has(name(one)) || there.has(name(one)));
  const fresh = told.filter(
    (one) => !stay.some((old) => name(old) === name(one)) && (did.has(name(one)) || !away.has(name(one))),
  );
  before.current = [...stay, ...fresh];
  return [before.current, () => redraw((n) => n + 1)];
}

function List({ of, changed }: { of: Suspect[]; changed: () => void }): VNode {
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
    if (!here || (event.key !== "a" && event.key !== "k" && event.key !== "c" && event.key !== "u")) return false;
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
            <One of={one} changed={changed} />
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

function One({ of, changed }: { of: Suspect; changed: () => void }): VNode {
  const classes = useCell(state)?.classes ?? [];
  const name = nameOf(of.item, of.given);
  const done = did.get(name);
  const said = (one: string): VNode => <ClassName index={classes.indexOf(one)} name={one} />;
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
      class={`suspect${done ? " settled" : ""}`}
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
        {done ? (
          <div class="does">
            <span>{done.words}</span>{" "}
            {done.state !== "saving" && (
              <button type="button" data-key="u" onClick={() => void back()}>
                Undo
              </button>
            )}
          </div>
        ) : (
          mayWrite() && (
            <div class="does">
              <button type="button" data-key="a" onClick={() => void set(of.expected)}>
                Accept {of.expected}
              </button>
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
  return (
    <select
      data-key="c"
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
