// A button and a key for each class, a field for any other, and what else can be done with the item.
import type { RefObject, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { ClassMark } from "../parts/classes";
import { WriteButton } from "../parts/small";
import { connected, mayWrite, session, state, UNSAVED } from "../store";
import { capital } from "../words";
import { Field } from "./field";
import { inOrder, keysOf } from "./keys";
import { done, skip, takeBack } from "./queue";

const BUTTONS = 40; // classes with a button; any class can be typed
const LONG = 7; // letters of a name that fit a narrow button; where most are longer, buttons are wide
const SHORT = 3; // letters of which three buttons fit beside each other on a telephone

interface Saying {
  not: boolean;
  turnNot: () => void;
  say: (name: string) => boolean;
}

export function Classes({ not, turnNot, say }: Saying): VNode {
  const now = useCell(state);
  const there = useCell(connected);
  useCell(session);
  useCell(done);
  const classes = now?.classes ?? [];
  const keys = keysOf(classes, now?.slots ?? []);
  const order = inOrder(classes, now?.slots ?? []).slice(0, BUTTONS);
  const long = 2 * order.filter((one) => one.length > LONG).length > order.length;
  const short = order.every((one) => one.length <= SHORT);
  const list = useRef<HTMLDivElement>(null);
  const [below, look] = useBelow(list);
  const [writes, setWrites] = useState(false); // the field has the focus: keys write into it
  if (!mayWrite()) return <ReadOnly />;
  return (
    <div class={`classes${not ? " not" : ""}${writes ? " writes" : ""}${classes.length < 2 ? " few" : ""}`}>
      <div ref={list} onScroll={look} class={`class-buttons${long ? " long" : short ? " short" : ""}`} role="group" aria-label={not ? "What this is not" : "What this is"}>
        {order.map((one) => (
          <WriteButton key={one} data-class={one} title={one} aria-label={not ? `not ${one}` : one} onClick={() => say(one)}>
            {keys.has(one) && <kbd aria-hidden="true">{keys.get(one)}</kbd>}
            <ClassMark name={one} />
            <span class="class-text">
              {not ? (
                <>
                  <em>not</em> {one}
                </>
              ) : (
                one
              )}
            </span>
            <small title="labels" aria-hidden="true">
              {now?.class_labels[classes.indexOf(one)] || ""}
            </small>
          </WriteButton>
        ))}
      </div>
      {below > 0 && <p class="more-below quiet"><span aria-hidden="true">↓</span> {below} more below: scroll</p>}
      {classes.length > order.length && <p class="quiet">{classes.length - order.length} more classes: type a name.</p>}
      <Field not={not} say={say} classes={classes} focus={setWrites} />
      {!there && <p class="quiet">{capital(UNSAVED)}.</p>}
      <div class="label-does">
        <WriteButton aria-pressed={not} disabled={!classes.length} onClick={turnNot}>
          <kbd>n</kbd> Not
        </WriteButton>
        <button type="button" onClick={skip}>
          <kbd>s</kbd> Skip
        </button>
        <WriteButton disabled={now?.last_edit === null || now?.last_edit === undefined} onClick={() => takeBack()}>
          <kbd>u</kbd> Undo
        </WriteButton>
      </div>
    </div>
  );
}

// How many buttons of a list lie below what is seen of it, and what looks again.
function useBelow(list: RefObject<HTMLElement | null>): [number, () => void] {
  const [below, set] = useState(0);
  const look = (): void => {
    const end = list.current?.getBoundingClientRect().bottom ?? Infinity;
    set([...(list.current?.children ?? [])].filter((one) => one.getBoundingClientRect().bottom > end + 8).length);
  };
  useEffect(look);
  useEffect(() => {
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  return [below, look];
}

function ReadOnly(): VNode {
  return (
    <p class="quiet">
      The service is read-only. To label, start <code>kgkt serve --rw</code>.
    </p>
  );
}
