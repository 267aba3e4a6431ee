// Addresses of views: "#/label", "#/map?colour=class&chosen=12,40", "#/concept/12", "#/item/digit-0001", "#/ask?q=…".
// Beside any view a concept or an item is open with concept=12 or item=…, and compare=13 sets a second one beside it.
import { cell } from "./cell";
import { source } from "./source";

export const VIEWS = ["label", "map", "doubt", "b", "ask"] as const;
export type View = (typeof VIEWS)[number];

export interface Route { view: View | "concept" | "item"; part: string; query: Record<string, string> }

export const route = cell<Route>(read(location.hash));

export function read(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...rest] = path.split("/");
  const known = [...VIEWS, "concept", "item"].includes(view);
  return {
    view: known ? view as Route["view"] : source.offline ? "map" : "label",
    part: known ? decoded(rest.join("/")) : "",
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

export function hashOf({ view, part, query }: Route): string {
  const kept = Object.entries(query).filter(([, value]) => value !== "");
  const text = new URLSearchParams(kept).toString();
  return `#/${view}${part && `/${encodeURIComponent(part)}`}${text && `?${text}`}`;
}

/** Goes to a view; `graph` stays in the address. */
export function go(view: Route["view"], query: Record<string, string> = {}, part = ""): void {
  const { graph } = route.value.query;
  location.hash = hashOf({ view, part, query: { ...(graph ? { graph } : {}), ...query } });
}

/** Changes settings of the address in place; an empty value takes one away. `step`: the Back button comes back here. */
export function tune(query: Record<string, string>, step = false): void {
  const next = { ...route.value, query: { ...route.value.query, ...query } };
  const hash = hashOf(next);
  if (hash === location.hash) return;
  if (step) location.hash = hash;
  else { history.replaceState(null, "", hash); route.set(read(hash)); }
}

/** Opens a concept beside the view that is open, or in its place where it is one concept or item. */
export function openConcept(number: number): void {
  if (route.value.view === "concept" || route.value.view === "item") go("concept", {}, String(number));
  else tune({ concept: String(number), item: "", compare: "" }, true);
}

export function openItem(item: string): void {
  if (route.value.view === "concept" || route.value.view === "item") go("item", {}, item);
  else tune({ item, concept: "", compare: "" }, true);
}

export function closeBeside(): void {
  tune({ concept: "", item: "", compare: "" }, true);
}

export function hrefOf(view: Route["view"], query: Record<string, string> = {}, part = ""): string {
  const { graph } = route.value.query;
  return hashOf({ view, part, query: { ...(graph ? { graph } : {}), ...query } });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

addEventListener("hashchange", () => route.set(read(location.hash)));
