// What is to be labelled: the item before the person, those that come next, and what was done. It lasts while the page
// is open, whatever view is looked at.
import { label, type LabelOf, undo, writing } from "../actions";
import { cell } from "../cell";
import { route } from "../routes";
import { source } from "../source";
import { at, complain, current, graph, map, mayReach, mayWrite, notice, state } from "../store";
import type { Item, State, Suggested, Suggestions } from "../types";

const FETCHED = 12;
const GLANCE = 100; // ms in which nobody sees what an item is
const AHEAD = 4; // pictures that are there before their items come
const FEW = 3; // a strip so short takes a new ranking at once

/** `was`: how many items its class had before, and who answered so. */
export interface Done {
  item: Suggested;
  said: string;
  not: boolean;
  edit: number;
  was: { items: number; answer: State["answer"] };
}

interface Said {
  item: Suggested;
  name: string;
  not: boolean;
}

export interface Queue {
  items: readonly Suggested[];
  place: number; // of the item before the person
  state: "waiting" | "ready" | "failed";
  covered: number | null;
}

const EMPTY: Queue = { items: [], place: 0, state: "waiting", covered: null };

export const queue = cell<Queue>(EMPTY);
export const done = cell<readonly Done[]>([]);
export const skipped = cell<ReadonlySet<string>>(new Set());
/** The item whose large picture, or text, is on the screen: nothing is said of another. */
export const drawn = cell<string | null>(null);
/** Labels that are on their way to the server. */
export const sending = cell(0);

let held = false; // a finger is on the strip: a new ranking waits
let pending: Suggestions | null = null;
let asked: AbortController | null = null;
let chain: Promise<unknown> = Promise.resolve();
let returning = 0; // items that are on their way back: what is said next is said of them
const waiting = new Set<Said>(); // what was said and is not sent yet
let of = ""; // the graph and the concepts that the queue is of

/** The item before the person, and those after it. */
export const before = (): Suggested | null => queue.value.items[queue.value.place] ?? null;

/** The concepts that the address limits the view to. */
export const within = (): string => route.value.query["concepts"] ?? "";

/** Asks for the ranking; begins anew where the graph or the concepts are others. */
export async function refresh(): Promise<void> {
  const now = `${graph.value}\n${within()}`;
  if (now !== of) reset(now);
  asked?.abort();
  if (sending.value > 0) return; // once it is there, it is asked again
  const stop = (asked = new AbortController());
  try {
    const n = FETCHED + skipped.value.size;
    const told = await source.get<Suggestions>(at("suggest", { n, concepts: within() }), stop.signal);
    if (stop.signal.aborted || of !== now) return;
    if (held && queue.value.items.length > FEW) pending = told;
    else take(told);
  } catch (error) {
    if (stop.signal.aborted) return;
    queue.set({ ...queue.value, state: "failed" });
    complain(error);
  }
}

function reset(now: string): void {
  if (of.split("\n")[0] !== now.split("\n")[0]) {
    done.set([]);
    skipped.set(new Set());
  }
  of = now;
  pending = null;
  queue.set(EMPTY);
}

// A new ranking replaces all but the item before the person, which stays where it is.
function take(told: Suggestions): void {
  const shown = before();
  const rest = told.items.filter((one) => one.item !== shown?.item && !skipped.value.has(one.item));
  const place = shown ? Math.min(queue.value.place, rest.length) : 0;
  const fresh = shown && (told.items.find((one) => one.item === shown.item) ?? shown);
  const items = fresh ? [...rest.slice(0, place), fresh, ...rest.slice(place)] : rest;
  show({ items, place, state: "ready", covered: told.covered });
}

function show(next: Queue): void {
  queue.set(next);
  current.set(before()?.item ?? null);
  for (const after of next.items.slice(next.place + 1, next.place + 1 + AHEAD)) {
    const picture = after.picture ? source.picture(graph.value, after.item, 512) : null;
    if (picture && picture.cell === undefined) new Image().src = picture.url;
  }
}

/** The item's picture or text is there: the browser has painted it after two frames, and nobody has looked before GLANCE. */
export function isDrawn(item: string): void {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
    if (before()?.item === item) drawn.set(item);
  }, GLANCE)));
}

/** While a finger or the focus is on the strip nothing under it moves. */
export function hold(on: boolean): void {
  held = on;
  if (!on && pending) {
    const told = pending;
    pending = null;
    take(told);
  }
}

export function move(by: number): void {
  const { items, place } = queue.value;
  const next = Math.min(items.length - 1, Math.max(0, place + by));
  if (next !== place) show({ ...queue.value, place: next });
}

export function moveTo(place: number): void {
  move(place - queue.value.place);
}

/** Puts an item first, to be labelled now, whatever was suggested. */
export async function bring(id: string): Promise<void> {
  const item = await source.get<Item>(at("item", { id }));
  const concept = item.concepts[0];
  put({
    item: id,
    concept: concept?.number ?? -1,
    name: concept?.name ?? "",
    speaks_for: 0,
    why: "you chose it",
    picture: item.picture,
    text: item.text,
    leans_to: item.says,
  });
}

function put(item: Suggested): void {
  show({
    ...queue.value,
    state: "ready",
    place: 0,
    items: [item, ...queue.value.items.filter((one) => one.item !== item.item)],
  });
}

// It was looked at already: what is said next is said of it.
function putBack(item: Suggested): void {
  put(item);
  drawn.set(item.item);
}

function leave(item: Suggested): void {
  const { items, place } = queue.value;
  const rest = items.filter((one) => one.item !== item.item);
  const next = Math.min(place, Math.max(0, rest.length - 1));
  show({ ...queue.value, items: rest, place: next, state: rest.length ? "ready" : "waiting" });
}

export function skip(): void {
  const item = before();
  if (!item) return;
  skipped.set(new Set([...skipped.value, item.item]));
  leave(item);
  if (queue.value.items.length < FETCHED / 2) void refresh();
}

export function unskip(): void {
  skipped.set(new Set());
  void refresh();
}

/** Says that the item before the person is of a class, or (`not`) is not; the next item comes at once. false: it was not
 *  taken, and a notice said why. */
export function say(name: string, not: boolean): boolean {
  const item = before();
  if (returning > 0) {
    chain = chain.then(() => void say(name, not));
    return true;
  }
  if (!item || !mayWrite() || name === "" || !mayReach()) return false;
  if (drawn.value !== item.item) {
    notice("That came before the item was on the screen: it labelled nothing.");
    return false;
  }
  asked?.abort();  // its answer would still hold this item
  pending = null;
  leave(item);
  sending.set(sending.value + 1);
  const one = { item, name, not };
  waiting.add(one);
  chain = chain.then(() => send(one));
  return true;
}

async function send(one: Said): Promise<void> {
  if (!waiting.delete(one)) return; // it went as the page was left
  const { item, name, not } = one;
  const was = { items: itemsOf(state.value, name), answer: state.value?.answer ?? "none" };
  const pair = [{ item: item.item, class: name }];
  const edited = await (not ? label([], pair, { quiet: true }) : label(pair, [], { quiet: true }));
  sending.set(sending.value - 1);
  if (!edited) {
    putBack(item);
    void refresh();
    return;
  }
  if (edited.edit === null) notice(edited.words); // it stood so already
  else done.set([{ item, said: name, not, edit: edited.edit, was }, ...done.value]);
  if (sending.value === 0) void refresh();
}

const itemsOf = (now: State | null, name: string): number => now?.class_items[now.classes.indexOf(name)] ?? 0;

/** By how many items the class of a label grew since; null while the two answers cannot be compared. */
export function gainOf({ said, was }: Done, now: State): number | null {
  return was.answer === "none" || was.answer === now.answer ? itemsOf(now, said) - was.items : null;
}

// One that leaves the page is asked once more while something is not saved; what waits goes at once, together.
addEventListener("beforeunload", (event) => {
  if (sending.value + returning + writing.value > 0) event.preventDefault();
  void sendAll();
});
addEventListener("pagehide", () => void sendAll()); // telephones know no beforeunload

async function sendAll(): Promise<void> {
  const all = [...waiting];
  if (all.length === 0) return;
  waiting.clear();
  const pairs = (not: boolean): LabelOf[] =>
    all.filter((one) => one.not === not).map(({ item, name }) => ({ item: item.item, class: name }));
  const edited = await label(pairs(false), pairs(true), { quiet: true });
  sending.set(sending.value - all.length);
  if (!edited) all.reverse().forEach(({ item }) => putBack(item));
  void refresh();
}

/** Takes back the last edit of the graph, whoever made it where; an item that was labelled here comes before the person
 *  again. `only`: what was said here last, where it is of that item. */
export function takeBack(only?: string): void {
  if (!mayWrite() || !mayReach()) return;
  returning += 1;
  chain = chain.then(() => back(only)).finally(() => (returning -= 1));
}

async function back(only?: string): Promise<void> {
  const last = done.value[0];
  if (only !== undefined && last?.item.item !== only) return; // it was not saved
  const number = (only === undefined ? state.value?.last_edit : last?.edit) ?? null;
  if (number === null) return notice("There is nothing to take back.");
  if (!(await undo(number))) return;
  const here = done.value.find((one) => one.edit === number);
  done.set(done.value.filter((one) => one !== here));
  if (here) putBack(here.item);
  void refresh();
}

map.subscribe((now) => {
  if (now && of) void refresh();
});
