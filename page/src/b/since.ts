// What was edited since B was fused, or something was traced: figures that stand from before are marked as such.
import { useCell } from "../cell";
import { at, overview, state } from "../store";
import type { Edit, Model, Overview } from "../types";
import { useGet, useRevision } from "../use";
import { count } from "../words";
import { ended } from "./work";

const TEACHES = (verb: string): boolean => verb !== "name";  // a name changes nothing that is taught

/** What came later is counted from: a time in ISO 8601, or the number of the last edit that was known. */
export type Then = string | number;

/** How many edits that teach still stand since then; what was undone again does not count. */
export function editsSince(edits: readonly Edit[], then: Then): number {
  const from = typeof then === "number" ? then : Date.parse(then);
  const later = (one: Edit): boolean => (typeof then === "number" ? one.number : Date.parse(one.at)) > from;
  const undoes = new Map(edits.flatMap((one) => one.undone_by === null ? [] : [[one.undone_by, one] as const]));
  return edits.filter((one) => {
    if (!later(one) || one.undone_by !== null || !TEACHES(one.verb)) return false;
    const taken = undoes.get(one.number);
    return taken === undefined || (!later(taken) && TEACHES(taken.verb));
  }).length;
}

/** "your last 3 edits": those since then; "" for none, or where they are not known. */
export function useSince(then: Then | null | undefined): string {
  const known = then !== null && then !== undefined && then !== "";
  const { value } = useGet<{ edits: Edit[] }>(known ? at("edits") : null, useRevision());
  if (!known || !value) return "";
  const found = editsSince(value.edits, then);
  return found === 0 ? "" : found === 1 ? "your last edit" : `your last ${count(found)} edits`;
}

/** What is known of the graph, asked again after every change. */
function useOverview(): Overview | null {
  const again = `${useRevision()} ${useCell(ended)}`;
  return useGet<Overview>(at(""), again).value ?? overview.value;
}

/** Whether the graph was made anew or grew since a time: populate ran. */
export function useGrown(then: string): boolean {
  const told = useOverview();
  return told !== null && Date.parse(told.made_at) > Date.parse(then);
}

/** "your last edit, and before the graph was made anew or grew": what changed since; "" for nothing. */
export function useChanged(then: Then | null, done: string): string {
  const edits = useSince(then), grew = useGrown(done);
  return [edits, grew ? "the graph was made anew or grew" : ""].filter(Boolean).join(", and before ");
}

/** Why what B was worth stands from before; null where it does not. `done`: when it was fused; `last`: of all Bs it was
 *  fused last. */
export function useStale(then: Then, done: string, last: boolean): string | null {
  const told = useOverview(), since = useChanged(then, done);
  const fuse = last ? told?.stages["fuse"] : undefined;
  if (since) return `Fused before ${since}`;
  const why = fuse?.stale ? fuse.why.filter((one) => /targets|populate|propagate|graph/.test(one)) : [];
  return why.length ? "Fused before the last change of the graph" : null;
}

/** How many classes B can tell: the outputs of its mapped head; null while it is not mapped. */
export function outputsOf(model: Model | null): number | null {
  return model?.layers.find((one) => one.kind === "head")?.blocks ?? null;
}

/** What to say where B has other than as many outputs as the graph has classes; null where they agree, or it is not known. */
export function useMismatch(outputs: number | null): string | null {
  const classes = useCell(state)?.classes.length ?? 0;
  if (outputs === null || classes === 0 || outputs === classes || (outputs === 1 && classes === 2)) return null;
  return `B has ${count(outputs)} ${outputs === 1 ? "output" : "outputs"}, the graph has ${count(classes)} ${classes === 1 ? "class" : "classes"}`;
}
