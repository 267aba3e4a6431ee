// The jobs of B: one of each verb that is watched, begun here, in another window, or before the page was opened.
import { cell } from "../cell";
import { source } from "../source";
import { at, complain, complainOf, graph, loadMap, mayReach, settle } from "../store";
import type { Job, Value } from "../types";

export const VERBS = ["map", "fuse", "trace", "evaluate"] as const;
export type Verb = (typeof VERBS)[number];

export const work = cell<Partial<Record<Verb, Job>>>({});
/** Counts up when a job has ended, for what is read of B. */
export const ended = cell(0);

const ENDED = ["done", "failed", "cancelled"];
const watched = new Map<Verb, { id: string; end: () => void }>();
let of = "";

export const isRunning = (job: Job | undefined): boolean => job !== undefined && !ENDED.includes(job.state);

/** Whether a job is of this file; one that names none is of any. */
export function isOf(job: Job | undefined, file: string | null): boolean {
  const target = job?.settings["target"];
  return job !== undefined && (typeof target !== "string" || file === null || bare(target) === bare(file));
}

const bare = (file: string): string => file.replace(/^\.\//, "");

export async function begin(verb: Verb, settings: Record<string, Value>): Promise<void> {
  if (!mayReach()) return;
  try {
    const { job } = await source.post<{ job: string }>(at("jobs"), { verb, settings });
    settle(verb);
    watch(verb, job);
  } catch (error) {
    complainOf(error, verb);
    watched.get(verb)?.end();
    watched.delete(verb);
  }
}

/** Maps B and, when that went well, fuses it: what a map does not say is not written. */
export async function mapAndFuse(mapping: Record<string, Value>, settings: Record<string, Value>): Promise<void> {
  await begin("map", mapping);
  const id = watched.get("map")?.id;
  if (id === undefined) return;
  const end = work.subscribe(({ map: job }) => {
    if (job?.id !== id || isRunning(job)) return;
    end();
    if (job.state === "done") void begin("fuse", settings);
  });
}

export async function cancel(job: Job): Promise<void> {
  try {
    await source.remove(`/api/jobs/${encodeURIComponent(job.id)}`);
  } catch (error) {
    complain(error);
  }
}

/** Finds the last job of each verb of the open graph; the service keeps them for a while. What they were told is answered,
 *  though not what came of them, which `work` has soon. */
export async function find(): Promise<Partial<Record<Verb, Job>>> {
  const found: Partial<Record<Verb, Job>> = {};
  if (source.offline) return found;
  if (of !== graph.value) forget();
  const all = await source.get<Job[]>("/api/jobs");
  for (const verb of VERBS) {
    const last = all.find((job) => job.verb === verb && job.graph === graph.value);
    if (!last) continue;
    watch(verb, last.id);
    found[verb] = last;
  }
  return found;
}

function forget(): void {
  of = graph.value;
  watched.forEach(({ end }) => end());
  watched.clear();
  work.set({});
}

function watch(verb: Verb, id: string): void {
  if (watched.get(verb)?.id === id) return;
  watched.get(verb)?.end();
  let began = false;
  const end = source.follow(id, (job) => {
    if (watched.get(verb)?.id !== id) return;
    began ||= isRunning(job);
    work.set({ ...work.value, [verb]: job });
    if (!began || isRunning(job)) return;
    began = false;
    ended.set(ended.value + 1);
    if (verb === "map" || verb === "fuse") void loadMap().catch(complain);  // what reached B may be another
  });
  watched.set(verb, { id, end });
}
