// The field for a class by its name: what is typed means a class that is there, or is the name of a new one.
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useCell } from "../cell";
import { meant, onShiftEnter, Taken } from "../parts/meant";
import { WriteButton } from "../parts/small";
import { before } from "./queue";
import { typing } from "./typed";

interface Given {
  not: boolean;
  say: (name: string) => boolean;
  classes: string[];
  focus: (on: boolean) => void;
}

// While there are fewer than two classes there is nothing to tell apart by keys: then the field has the focus.
export function Field({ not, say, classes, focus }: Given): VNode {
  const text = useCell(typing);
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const second = useRef(false); // the second class is on its way
  const first = classes.length === 0;
  const few = classes.length < 2;
  const item = before()?.item;
  const name = text.trim();
  const taken = meant(name, classes);
  useEffect(() => {
    const here = document.activeElement;
    if (!few) second.current = false;
    else if (!second.current && (!here || here === document.body || form.current?.parentElement?.contains(here))) field.current?.focus();
  }, [few, item]);
  const send = (said: string): void => {
    if (!said || !before() || !say(said)) return;
    typing.set("");
    second.current = few && new Set([...classes, said]).size > 1;
    if (!few || second.current) field.current?.blur(); // so that the keys label
  };
  return (
    <form class="class-field" ref={form} onSubmit={(event) => { event.preventDefault(); send(taken ?? name); }}>
      <div class="field-words">
        <label for="class-field">{first ? "Name of its class" : "Another class"}</label>
        <Taken id="class-taken" text={text} taken={taken} make={send} />
      </div>
      <input
        id="class-field"
        list="class-names"
        value={text}
        autoComplete="off"
        maxLength={200}
        ref={field}
        aria-describedby="class-taken"
        placeholder={first ? "for instance cat" : ""}
        onInput={(event) => typing.set(event.currentTarget.value)}
        onFocus={() => focus(true)}
        onBlur={() => focus(false)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
          else onShiftEnter(event, () => send(name));
        }}
      />
      <datalist id="class-names">
        {classes.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <WriteButton type="submit" class={first ? "main" : ""} disabled={!name}>
        {not ? "Not this" : first || (taken === null && name) ? "Add class" : "Label"}
      </WriteButton>
      {!few && <kbd title="The key t goes to this field">t</kbd>}
    </form>
  );
}
