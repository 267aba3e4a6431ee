// What the page knows: session, graph, overview, map, State, and what is chosen. Views read cells, and call actions.ts.
import { cell } from "./cell";
import { route, tune } from "./routes";
import { address, Problem, source, type Query } from "./source";
import type { MapData, Overview, Session, State } from "./types";
import { capital, withLocalTimes } from "./words";

export type Colour = "class" | "theme" | "doubt" | "reach" | `source:${string}`;

/** `of`: the action that failed, where it is one. */
export interface Notice { id: number; words: string; bad: boolean; undo: number | null; of: string }

export const session = cell<Session | null>(null);
export const graph = cell("");
export const overview = cell<Overview | null>(null);
export const map = cell<MapData | null>(null);
export const state = cell<State | null>(null);
/** Why nothing can be shown at all: no session, no such graph. */
export const trouble = cell<Problem | null>(null);
export const connected = cell(true);
/** The service knows this page's token no more: it was started anew. */
export const expired = cell(false);
export const notices = cell<readonly Notice[]>([]);

/** Concepts chosen on the map (by click or lasso), and what it is coloured by; both stand in the map's address. */
export const chosen = cell<readonly number[]>([]);
export const colour = cell<Colour>("class");
/** The item that the Label view has before it. */
export const current = cell<string | null>(null);
/** Concepts to be marked on the map: rows of Ask, what an item lies in. */
export const highlight = cell<readonly number[]>([]);

export const mayWrite = (): boolean => !source.offline && (session.value?.write ?? false);

/** The address of something of the open graph. */
export const at = (path: string, query: Query = {}): string => address(graph.value, path, query);

let count = 0;
const SHOWN = 3;        // notices at once
const STAYS = 6000;     // ms that one stays
const FAULT = 15_000;   // ms that a fault stays; it goes when the view is left, too, or what failed succeeds

export function notice(said: string, { bad = false, undo = null, of = "" }: { bad?: boolean; undo?: number | null; of?: string } = {}): void {
  const id = ++count;
  const words = withLocalTimes(said);
  const same = notices.value.filter((one) => one.words !== words);
  notices.set([...same, { id, words, bad, undo, of }].slice(-SHOWN));
  setTimeout(() => dismiss(id), bad ? FAULT : STAYS);
}

/** Takes away what was said of faults: of an action that has succeeded now, or of all. */
export function settle(of?: string): void {
  notices.set(notices.value.filter((one) => !one.bad || (of !== undefined && one.of !== of)));
}

export const UNSAVED = "not connected: not saved";

/** May be written now? Where the service is away a notice says that nothing is saved. */
export function mayReach(): boolean {
  if (!connected.value) notice(capital(UNSAVED), { bad: true });
  return connected.value;
}

/** Says why a write failed; `of`: which. */
export function complainOf(error: unknown, of: string): void {
  if (error instanceof Problem && (error.kind === "lost" || error.kind === "auth")) notice(capital(UNSAVED), { bad: true });
  else complain(error, of);
}

export function dismiss(id: number): void {
  notices.set(notices.value.filter((one) => one.id !== id));
}

/** Says what went wrong; for the end of every promise that no view waits for. */
export function complain(error: unknown, of = ""): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof Problem && (error.kind === "lost" || error.kind === "auth")) return;  // the bar says so already
  notice(error instanceof Error ? error.message : String(error), { bad: true, of });
  if (!(error instanceof Problem)) console.error(error);
}

/** Takes a State unless a newer one is here. */
export function adopt(next: State): void {
  const old = state.value;
  if (old && next.revision < old.revision) return;
  state.set(next);
  if (map.value && next.layout !== map.value.layout) void loadMap().catch(complain);
}

export async function loadState(): Promise<void> {
  const asked = graph.value;
  const next = await source.get<State>(at("state"));
  if (asked === graph.value) adopt(next);
}

export async function loadMap(): Promise<void> {
  const asked = graph.value;
  void loadOverview().catch(complain); // takes longer, and nothing waits for it
  const next = await source.get<MapData>(at("map"));
  if (asked === graph.value) map.set(next);
}

async function loadOverview(): Promise<void> {
  const asked = graph.value;
  const about = await source.get<Overview>(at(""));
  if (asked === graph.value) overview.set(about);
}

async function openGraph(name: string): Promise<void> {
  graph.set(name);
  [overview, map, state].forEach((one) => one.set(null));
  chosen.set([]);
  highlight.set([]);
  current.set(null);
  await Promise.all([loadMap(), loadState()]);
}

/** Reads the session and the graph that the address names. */
export async function begin(): Promise<void> {
  try {
    const told = await source.get<Session>("/api/session");
    session.set(told);
    await openGraph(wanted(told));
    trouble.set(null);
  } catch (error) {
    stop(error);
  }
}

/** The graph that the address names, else the first. */
function wanted(told: Session): string {
  const named = route.value.query["graph"];
  return named && told.graphs.includes(named) ? named : told.graph;
}

function stop(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
  if (error.kind === "lost") connected.set(false);
  else if (error.kind !== "auth" || !state.value) trouble.set(error);  // what was shown stays, and the bar says why
}

// After the server was away it may be another one, whose revisions count from the start.
async function resume(): Promise<void> {
  if (!state.value) return begin();
  try {
    session.set(await source.get<Session>("/api/session"));
    const next = await source.get<State>(at("state"));
    state.set(next);
    if (next.layout !== map.value?.layout) await loadMap();
    trouble.set(null);
  } catch (error) {
    stop(error);
  }
}

export function chooseGraph(name: string): void {
  tune({ graph: name === session.value?.graph ? "" : name, concept: "", item: "", compare: "", chosen: "" }, true);
}

/** Listens to the service; called once. */
export function keepUp(): void {
  let view = route.value.view;
  route.subscribe((now) => {
    if (now.view !== view) settle();
    view = now.view;
    const name = session.value && wanted(session.value);
    if (name && graph.value && name !== graph.value) void openGraph(name).catch(complain);
  });
  source.listen("changed", (told) => {
    if (told.graph !== graph.value) return;
    if (told.layout !== map.value?.layout) void loadMap().catch(complain);
    if (told.revision !== state.value?.revision) void loadState().catch(complain);
  });
  source.listen("answer", (told) => {
    if (told.graph === graph.value) void loadState().catch(complain);
  });
  source.listen("link", (there) => {
    connected.set(there);
    if (there) notices.set(notices.value.filter((one) => one.words !== capital(UNSAVED)));
  });
  source.listen("expired", () => expired.set(true));
  source.listen("again", () => void resume());
}
