// The service over HTTP, its events as they come, and word of whether it is there.
import { address, Problem, type ProblemKind, type Shot, type Source, type Told } from "./protocol";
import type { Job } from "../types";

const FIRST_WAIT = 500;   // ms until the first new try after a break; doubled up to the longest
const LONGEST_WAIT = 8000;
const KEPT = 15_000;      // letters of a body that a browser sends on when the page is left: 64 kB of all together
const EVENTS = ["changed", "answer", "job"] as const;

type Listener = (told: never) => void;

export class HttpSource implements Source {
  readonly offline = false;
  private listeners = new Map<keyof Told, Set<Listener>>();
  private events: EventSource | null = null;
  private wait = FIRST_WAIT;
  private there: boolean | null = null;
  private opened = false;
  private expired = false;

  // A page that nobody sees holds no connection: a browser has six to a server, for all its pages together.
  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (this.listeners.size === 0) return;
      if (document.hidden) { this.events?.close(); this.events = null; }
      else if (!this.events && !this.expired) this.open();
    });
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.ask<T>(path, { method: "GET", signal: signal ?? null });
  }

  post<T>(path: string, body: unknown, stays = false): Promise<T> {
    const text = JSON.stringify(body);
    const keepalive = stays && text.length < KEPT;
    return this.ask<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: text, keepalive });
  }

  send<T>(path: string, file: Blob): Promise<T> {
    return this.ask<T>(path, { method: "POST", headers: { "Content-Type": file.type }, body: file });
  }

  async remove(path: string): Promise<void> {
    await this.ask<unknown>(path, { method: "DELETE", headers: { "Content-Type": "application/json" } });
  }

  picture(graph: string, item: string, side: number): Shot {
    return { url: address(graph, "picture", { id: item, side }) };
  }

  sheet(graph: string, page: number): string {
    return address(graph, "sprites", { page });
  }

  listen<K extends keyof Told>(kind: K, fn: (told: Told[K]) => void): () => void {
    const all = this.listeners.get(kind) ?? new Set<Listener>();
    this.listeners.set(kind, all.add(fn as Listener));
    if (!this.events && !document.hidden && !this.expired) this.open();
    return () => void all.delete(fn as Listener);
  }

  follow(id: string, fn: (job: Job) => void): () => void {
    let job: Job | null = null;
    let ended = false;
    let stream: EventSource | null = null;
    const path = `/api/jobs/${encodeURIComponent(id)}`;
    const take = (part: Partial<Job>): void => {
      job = { ...(job ?? ({} as Job)), ...part };
      if (["done", "failed", "cancelled"].includes(job.state)) end();
      fn(job);
    };
    const end = (): void => { ended = true; stream?.close(); };
    const open = async (): Promise<void> => {
      if (ended) return;
      try {
        take(await this.get<Job>(path));
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "lost") { end(); throw error; }
      }
      if (ended) return;
      stream = new EventSource(`${path}/events`);
      stream.addEventListener("job", (event) => take(JSON.parse((event as MessageEvent<string>).data) as Partial<Job>));
      stream.onerror = () => { stream?.close(); if (!ended) setTimeout(() => void open(), 2 * FIRST_WAIT); };
    };
    void open();
    return end;
  }

  private async ask<T>(path: string, init: RequestInit): Promise<T> {
    if (this.expired) throw notValid();
    let answer: Response;
    try {
      answer = await fetch(path, { credentials: "same-origin", ...init });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      this.link(false);
      throw new Problem("lost", "The server does not answer. What you did last was not saved.");
    }
    if (answer.status === 401) { this.expire(); throw notValid(); }
    if (!answer.ok) throw await problemOf(answer);
    if (answer.status === 204) return undefined as T;
    return await answer.json() as T;
  }

  private open(): void {
    const events = new EventSource("/api/events");
    this.events = events;
    events.onopen = () => {
      this.wait = FIRST_WAIT;
      this.link(true);
      if (this.opened) this.tell("again", true);
      this.opened = true;
    };
    events.onerror = () => {
      events.close();
      if (this.events !== events) return;
      this.link(false);
      this.ask("/api/session", { method: "GET" }).catch(() => undefined);  // an event source does not say that it got 401
      setTimeout(() => { if (this.events === events && !this.expired) this.open(); }, this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
    for (const kind of EVENTS) {
      events.addEventListener(kind, (event) => this.tell(kind, JSON.parse((event as MessageEvent<string>).data)));
    }
  }

  private expire(): void {
    if (this.expired) return;
    this.expired = true;
    this.events?.close();
    this.link(false);
    this.tell("expired", true);
  }

  private link(there: boolean): void {
    if (there === this.there) return;
    this.there = there;
    this.tell("link", there);
  }

  private tell(kind: keyof Told, told: unknown): void {
    this.listeners.get(kind)?.forEach((fn) => fn(told as never));
  }
}

const notValid = (): Problem =>
  new Problem("auth", "This link is no longer valid: open the one that kgkt serve printed last.", 401);

async function problemOf(answer: Response): Promise<Problem> {
  let said: { error?: { kind?: ProblemKind; message?: string } } = {};
  try {
    said = await answer.json() as typeof said;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;  // not JSON: something between us and the service answered
  }
  const { kind, message } = said.error ?? {};
  return new Problem(kind ?? "fault", message ?? `The server answered ${answer.status}.`, answer.status);
}
