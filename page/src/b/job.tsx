// A job while it runs and when it has ended: progress, curve, notices, cancel.
import type { VNode } from "preact";
import { mayWrite } from "../store";
import type { Job } from "../types";
import { count } from "../words";
import { Curve } from "./curve";
import { meantBy, NAMES, wanted } from "./fields";
import { plainly } from "./plain";
import { cancel, isOf, isRunning, type Verb } from "./work";

const TITLES: Record<Verb, string> = { map: "Map", fuse: "Fuse", trace: "Trace", evaluate: "Beside every control" };
const STATES: Record<Job["state"], string> = {
  waiting: "waits for its turn", running: "runs", done: "done", failed: "failed", cancelled: "cancelled",
};

/** `of`: the file that is looked at; a job of another is shown while it runs, under that one's name. */
export function JobCard({ verb, job, of }: { verb: Verb; job: Job; of?: string }): VNode | null {
  const running = isRunning(job);
  const other = !isOf(job, of ?? null);
  if (other && !running) return null;
  const quiet = job.state === "done" && !job.notices?.length && !job.curve?.length;
  if (quiet) return null;
  const { progress } = job;
  const figures = job.result?.["figures"] as { best_step?: number } | undefined;
  return (
    <section class="job" aria-label={TITLES[verb]} aria-busy={running}>
      <p class="job-head">
        <strong>{TITLES[verb]}{other ? ` ${String(job.settings["target"])}` : ""}</strong> <span role="status">{STATES[job.state]}</span>
        {job.seconds !== null && <small>{running ? `${count(Math.round(job.seconds))} s` : `in ${job.seconds.toFixed(1)} s`}</small>}
        {running && <button type="button" onClick={() => void cancel(job)}>Cancel</button>}
      </p>
      {running && progress && <Progress {...progress} all={verb === "fuse" && (job.curve?.length ?? 0) > 0} />}
      <Curve points={job.curve ?? []} total={running ? Number(job.settings?.["steps"]) || null : null} best={running ? null : figures?.best_step ?? null} />
      {job.error && <p class="trouble" role="alert">{plainly(job.error.message)}</p>}
      {job.error && (verb === "map" || verb === "fuse") && <Meant message={job.error.message} />}
      {(job.notices ?? []).length > 0 && <ul class="job-notices">{job.notices.map((words, at) => <li key={at}>{plainly(words)}</li>)}</ul>}
    </section>
  );
}

// An error names flags of the command line: which field of the page that is.
function Meant({ message }: { message: string }): VNode | null {
  const meant = meantBy(message);
  if (!meant || !mayWrite()) return null;
  return (
    <p class="meant">
      {meant.advice ?? "On this page:"}{" "}
      <button type="button" class="link" onClick={() => wanted.set(meant.field)}>{NAMES[meant.field]}</button>
    </p>
  );
}

// A fusion trains several times, to compare: the progress is of all of them, the curve of the one that goes on.
function Progress({ what, done, total, all }: { what: string; done: number; total: number | null; all: boolean }): VNode {
  const known = total !== null && total > 1;
  return (
    <p class="progress">
      <progress aria-label={what} {...(known ? { value: done, max: total } : {})} />
      <small>{what}{known ? `, ${count(done)} of ${count(total)}${all ? " steps of all trainings; the curve is of the one that goes on" : ""}` : ""}</small>
    </p>
  );
}
