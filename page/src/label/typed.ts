// Keys of the Label view, told apart from words. A key acts at once where that can be taken back, else after a moment in
// which no other letter comes; what turns out to be a word goes into the field, and what its letters did is taken back.
import { cell } from "../cell";
import { notice } from "../store";

const MOMENT = 500; // ms between two letters of a word, at most

/** What stands in the field for a class's name. */
export const typing = cell("");

/** `back`: takes back what it did; `late`: it cannot be, so it acts when the moment is over. */
export interface Act {
  act: () => void;
  back?: () => void;
  late?: boolean;
}

let text = ""; // letters of the last moment
let at = 0;
let backs: (() => void)[] = [];
let waiting: { act: () => void; timer: ReturnType<typeof setTimeout> } | null = null;

/** Takes a letter or digit that was pressed. `ofClass`: it is the key of a class; `shortcut`: it is one; `classes`: those
 *  that there are. */
export function press(key: string, ofClass: Act | undefined, shortcut: Act | undefined, classes: readonly string[]): void {
  const now = performance.now();
  if (now - at > MOMENT || isSaid(text + key, classes)) forget();
  at = now;
  const act = ofClass ?? shortcut;
  const known = text === "" || backs.length > 0 || waiting !== null; // all that was typed did something
  const again = text.endsWith(key); // skip, skip
  const word = !known || (act === undefined && (text !== "" || !isDigit(key))) || (!ofClass && isLetter(text) && !again);
  if (word) return toField(text + key);
  if (act === undefined) {
    text = key;
    return notice(`No class has the key ${key}. For a class of that name press t and type it.`);
  }
  fire(); // two keys of their own
  [text, backs] = act.back || act.late ? [key, act.back ? [act.back] : []] : ["", []];
  if (act.late) waiting = { act: act.act, timer: setTimeout(fire, MOMENT) };
  else act.act();
}

function fire(): void {
  if (!waiting) return;
  clearTimeout(waiting.timer);
  const { act } = waiting;
  waiting = null;
  act();
}

function toField(word: string): void {
  if (waiting) clearTimeout(waiting.timer);
  backs.forEach((back) => back());
  [text, backs, waiting] = ["", [], null];
  fill(word);
}

function forget(): void {
  [text, backs] = ["", []];
}

/** Puts a text into the field for a class's name, and the focus behind it. */
export function fill(word: string): void {
  const field = document.getElementById("class-field") as HTMLInputElement | null;
  if (!field) return;
  typing.set(word);
  field.value = word; // the next letter comes before the next drawing
  field.focus();
}

// A digit that labelled has done so, and what follows is of the next item; unless a class begins with both.
function isSaid(word: string, classes: readonly string[]): boolean {
  return isDigit(text) && backs.length > 0 && !classes.some((one) => one.toLowerCase().startsWith(word.toLowerCase()));
}

const isDigit = (key: string): boolean => /^[0-9]$/.test(key);
const isLetter = (key: string): boolean => key !== "" && !isDigit(key);
