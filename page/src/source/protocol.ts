// What a source of data is, what it tells, and what goes wrong.
import type { Job } from "../types";

export type ProblemKind =
  | "input" | "usage" | "auth" | "safety" | "missing" | "readonly" | "busy" | "limit" | "fault" | "store"
  | "lost"      // the server does not answer
  | "offline";  // a file can not do this

/** What went wrong, in words for the person at the page. */
export class Problem extends Error {
  constructor(readonly kind: ProblemKind, message: string, readonly status = 0) {
    super(message);
    this.name = "Problem";
  }
}

export interface Changed { graph: string; revision: number; layout: number }
export interface Answered { graph: string; revision: number; answer: string }
export interface JobTold { id: string; state: string }
/** What the service tells by itself. From the source come "link": is the server there? and "again": it is heard again,
 *  and what it told meanwhile was missed; "expired": it knows this page's token no more, which no new try mends. */
export interface Told { changed: Changed; answer: Answered; job: JobTold; link: boolean; again: true; expired: true }

/** A picture: an address for <img>, or a cell of a sheet of square cells. */
export interface Shot { url: string; cell?: number; columns?: number; side?: number }

export interface Source {
  readonly offline: boolean;
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** `stays`: it is sent to its end though the page is left meanwhile. */
  post<T>(path: string, body: unknown, stays?: boolean): Promise<T>;
  /** Posts a file as it is, with its own type. */
  send<T>(path: string, file: Blob): Promise<T>;
  remove(path: string): Promise<void>;
  /** The picture of an item, at most `side` pixels wide and high; null where the source holds none. */
  picture(graph: string, item: string, side: number): Shot | null;
  /** A page of the sheet of medoids, as an address for an image. */
  sheet(graph: string, page: number): string | null;
  /** Calls `fn` whenever the service tells of this; returns what ends it. */
  listen<K extends keyof Told>(kind: K, fn: (told: Told[K]) => void): () => void;
  /** Calls `fn` with a job, whole, until it has ended; returns what ends it. */
  follow(id: string, fn: (job: Job) => void): () => void;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** "/api/graphs/G/concept?number=12": the one way in which the page writes an address; empty settings are left out. */
export function address(graph: string, path: string, query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
  const base = `/api/graphs/${encodeURIComponent(graph)}${path && `/${path}`}`;
  return pairs.length ? `${base}?${pairs.join("&")}` : base;
}
