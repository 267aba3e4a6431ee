// A button and a key for each class, a field for any other, and what else can be done with the item.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { ClassMark } from "../parts/classes";
import { graph, mayWrite, session, state } from "../store";
import { focusNow } from "../use";
import { keysOf } from "./keys";
import { before, done, skip, takeBack } from "./queue";

const BUTTONS = 40; // classes with a button; any class can be typed

interface Saying {
  not: boolean;
  turnNot: () => void;
  say: (name: string) => void;
}

export function Classes({ not, turnNot, say }: Saying): VNode {
  const now = useCell(state);
  const name = useCell(graph);
  useCell(session);
  useCell(done);
  const classes = now?.classes ?? [];
  const keys = keysOf(name, classes);
  const order = [...keys.keys(), ...classes.filter((one) => !keys.has(one))].slice(0, BUTTONS);
  if (!mayWrite()) return <ReadOnly />;
  return (
    <div class={`classes${not ? " not" : ""}`}>
      <div class="class-buttons" role="group" aria-label={not ? "What this is not" : "What this is"}>
        {order.map((one) => (
          <button key={one} type="button" data-class={one} title={one} onClick={() => say(one)}>
            {keys.has(one) && <kbd aria-hidden="true">{keys.get(one)}</kbd>}
            <ClassMark index={classes.indexOf(one)} />
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
          </button>
        ))}
      </div>
      {classes.length > order.length && <p class="quiet">{classes.length - order.length} more classes: type a name.</p>}
      <Field not={not} say={say} classes={classes} first={classes.length === 0} />
      <div class="label-does">
        <button type="button" aria-pressed={not} disabled={!classes.length} onClick={turnNot}>
          <kbd>n</kbd> Not
        </button>
        <button type="button" onClick={skip}>
          <kbd>s</kbd> Skip
        </button>
        <button type="button" disabled={now?.last_edit === null || now?.last_edit === undefined} onClick={takeBack}>
          <kbd>u</kbd> Undo
        </button>
      </div>
    </div>
  );
}

function Field({ not, say, classes, first }: Pick<Saying, "not" | "say"> & { classes: string[]; first: boolean }): VNode {
  const [text, setText] = useState("");
  const name = text.trim();
  const send = (event: Event): void => {
    event.preventDefault();
    if (!name || !before()) return;
    say(name);
    setText("");
    (document.activeElement as HTMLElement | null)?.blur(); // so that the keys label again
  };
  return (
    <form class="class-field" onSubmit={send}>
      <label for="class-field">{first ? "Name of its class" : "Another class"}</label>
      <input
        id="class-field"
        list="class-names"
        value={text}
        autoComplete="off"
        maxLength={200}
        ref={first ? focusNow : null}
        placeholder={first ? "for instance cat" : ""}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <datalist id="class-names">
        {classes.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit" class={first ? "main" : ""} disabled={!name}>
        {not ? "Not this" : first || (!classes.includes(name) && name) ? "Add class" : "Label"}
      </button>
      {!first && <kbd title="The key t goes to this field">t</kbd>}
    </form>
  );
}

function ReadOnly(): VNode {
  return (
    <p class="quiet">
      The service is read-only. To label, start <code>kgkt serve --rw</code>.
    </p>
  );
}
