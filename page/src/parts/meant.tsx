// Which class a text means that was typed, told before it is taken: a class may be named by its first letters, in any case.
import type { VNode } from "preact";

const plain = (text: string): string => text.normalize("NFC").toLowerCase().replace(/\s+/g, "");

/** The class that Enter takes: of that very name, of one that differs in capitals and blanks alone, or the only one that
 *  begins so. null: none, so that the text is the name of a new class. */
export function meant(text: string, classes: readonly string[]): string | null {
  const name = text.trim(), short = plain(name);
  if (short === "") return null;
  if (classes.includes(name)) return name;
  const only = (all: string[]): string | null => (all.length === 1 ? all[0]! : null);
  const same = classes.filter((one) => plain(one) === short);
  if (same.length > 0) return only(same);
  if (/^[0-9]+$/.test(short)) return null; // a number is written to its end: 1 is not 10
  return only(classes.filter((one) => plain(one).startsWith(short)));
}

/** Says which class Enter takes, where that is another than was typed, and how to make a new one. */
export function Taken({ id, text, taken, make }: {
  id: string; text: string; taken: string | null; make: (name: string) => void;
}): VNode {
  const name = text.trim();
  return (
    <span id={id} class="taken" role="status">
      {taken !== null && taken !== name && (
        <>
          Enter: <strong>{taken}</strong> ·{" "}
          <button type="button" class="link" onClick={() => make(name)}>Shift+Enter: new class {name}</button>
        </>
      )}
    </span>
  );
}

/** Shift+Enter in a field: what was typed is a new class, to the letter. */
export function onShiftEnter(event: KeyboardEvent, make: () => void): void {
  if (event.key !== "Enter" || !event.shiftKey || event.isComposing) return;
  event.preventDefault();
  make();
}
