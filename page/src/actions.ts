// What a person does to the graph. Each answers with what it did and the State after it, which is taken at once.
import { adopt, at, complainOf, mayReach, notice, settle } from "./store";
import { plainly } from "./b/plain";
import { source } from "./source";
import { cell } from "./cell";
import type { Edited, Job, Value } from "./types";

/** Edits that are on their way to the server. */
export const writing = cell(0);

export interface LabelOf { item: string; class: string }

export interface Quiet { quiet?: boolean }  // the view says itself what was done

/** Labels and ticks ("not") of items. */
export function label(labels: LabelOf[], ticks: LabelOf[] = [], how: Quiet = {}): Promise<Edited | null> {
  return edit("label", { labels, ticks }, how);
}

/** `name` null gives the generated name back. */
export function nameConcept(concept: number, name: string | null): Promise<Edited | null> {
  return edit("name", { concept, name });
}

export function switchConcepts(concepts: readonly number[], on: boolean): Promise<Edited | null> {
  return edit("switch", { concepts, on });
}

export function mergeConcepts(kept: number, others: readonly number[]): Promise<Edited | null> {
  return edit("merge", { kept, others });
}

export function takeApart(concepts: readonly number[]): Promise<Edited | null> {
  return edit("apart", { concepts });
}

/** The last edit, or the one of this number. */
export function undo(number: number | null = null, how: Quiet = {}): Promise<Edited | null> {
  return edit("undo", { edit: number }, how, false);
}

/** Starts long work and calls `tell` with it until it has ended. null: it did not begin, and a notice said why. */
export async function startJob(verb: string, settings: Record<string, Value>, tell: (job: Job) => void): Promise<string | null> {
  if (!mayReach()) return null;
  try {
    const { job } = await source.post<{ job: string }>(at("jobs"), { verb, settings });
    settle(verb);
    source.follow(job, tell);
    return job;
  } catch (error) {
    complainOf(error, verb);
    return null;
  }
}

// null: it failed, and a notice said why.
async function edit(path: string, body: unknown, how: Quiet = {}, undoable = true): Promise<Edited | null> {
  if (!mayReach()) return null;
  writing.set(writing.value + 1);
  try {
    const done = await source.post<Edited>(at(path), body, true);
    adopt(done.state);
    settle(path);
    if (!how.quiet) notice(done.words, { undo: undoable ? done.edit : null });
    done.notices.forEach((words) => notice(plainly(words)));
    return done;
  } catch (error) {
    complainOf(error, path);
    return null;
  } finally {
    writing.set(writing.value - 1);
  }
}
