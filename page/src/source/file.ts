// A page that was exported: everything it shows stands in one JSON object, by the address under which the service
// would be asked for it. Three kinds of value:
//   "/api/graphs/G/concept?number=12": what the service answers (settings in any order)
//   "/api/graphs/G/picture?id=I": "data:image/png;base64,…", or [sheet, cell], a cell of one of the
//   "sheets": [{"url": "data:…", "columns": 64, "side": 28}], of square cells counted row by row
//   "/api/graphs/G/sprites?page=0": "data:…", the sheet of medoids
import { address, Problem, type Shot, type Source } from "./protocol";
import type { Found, Item, MapData, State } from "../types";

interface Sheet { url: string; columns: number; side: number }

const FOUND = 12;  // of each kind, as the service answers

export class FileSource implements Source {
  readonly offline = true;
  private held = new Map<string, unknown>();
  private sheets: Sheet[] = [];
  private readonly ready: Promise<void>;

  /** `text`: the object as JSON, or as a JSON string of its gzipped bytes in base64. */
  constructor(text: string) {
    this.ready = unpacked(text).then((all) => {
      for (const [key, value] of Object.entries(all)) {
        if (key === "sheets") this.sheets = value as Sheet[];
        else this.held.set(sorted(key), value);
      }
    });
  }

  async get<T>(path: string): Promise<T> {
    await this.ready;
    const key = sorted(path);
    if (this.held.has(key)) return this.held.get(key) as T;
    const search = path.match(/^\/api\/graphs\/([^/?]+)\/search\?q=(.*)$/);
    if (search) return this.search(decodeURIComponent(search[1]!), decodeURIComponent(search[2]!)) as T;
    throw new Problem("offline", "This file does not hold that. Open the graph with kgkt serve to see it.");
  }

  async post<T>(): Promise<T> { throw readOnly(); }
  async send<T>(): Promise<T> { throw readOnly(); }
  async remove(): Promise<void> { throw readOnly(); }

  picture(graph: string, item: string): Shot | null {
    const held = this.held.get(sorted(address(graph, "picture", { id: item })));
    if (typeof held === "string") return { url: held };
    if (!Array.isArray(held)) return null;
    const [number, cell] = held as [number, number];
    const sheet = this.sheets[number];
    return sheet ? { ...sheet, cell } : null;
  }

  sheet(graph: string, page: number): string | null {
    return (this.held.get(sorted(address(graph, "sprites", { page }))) as string | undefined) ?? null;
  }

  listen(): () => void { return () => undefined; }
  follow(): () => void { return () => undefined; }

  private search(graph: string, text: string): Found {
    const map = this.held.get(address(graph, "map")) as MapData | undefined;
    const state = this.held.get(address(graph, "state")) as State | undefined;
    const sought = text.toLowerCase();
    const has = (name: string): boolean => name.toLowerCase().includes(sought);
    const concepts = (map?.names ?? []).flatMap((name, number) => has(name) ? [{ number, name }] : []);
    const medoids = (map?.medoids ?? []).flatMap((item, concept) => item !== null && has(item) ? [{ item, concept }] : []);
    const items = medoids.slice(0, FOUND).map(({ item, concept }) => ({
      item, concept, picture: this.picture(graph, item) !== null, ticks: [], label: null,
      text: (this.held.get(sorted(address(graph, "item", { id: item }))) as Item | undefined)?.text ?? null,
      best: null, mass: null, strength: null,
    }));
    return { concepts: concepts.slice(0, FOUND), classes: (state?.classes ?? []).filter(has), items };
  }
}

async function unpacked(text: string): Promise<Record<string, unknown>> {
  const told = JSON.parse(text) as string | Record<string, unknown>;
  if (typeof told !== "string") return told;
  const bytes = Uint8Array.from(atob(told), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text()) as Record<string, unknown>;
}

function readOnly(): Problem {
  return new Problem("offline", "This is a file to look at. Open the graph with kgkt serve --rw to change it.");
}

function sorted(path: string): string {
  const [base, query] = path.split("?", 2);
  return query ? `${base}?${query.split("&").sort().join("&")}` : base!;
}
