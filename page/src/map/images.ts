// Pictures for the canvas: the sheet of medoids, and single pictures where one has zoomed in; kept while they are used.
import { address, Problem, source, type Shot } from "../source";
import { complain } from "../store";
import type { Concept } from "../types";

const CELL = 32, ACROSS = 32, OF_SHEET = ACROSS * ACROSS;
const KEPT = 400;      // single pictures
const AT_ONCE = 6;     // concepts asked for at a time
const SHOWN = 6;       // examples beside a concept that is near
const SIDE = 128;
const AGAIN = 5000;    // ms until a concept that could not be read is asked for again

export interface Cut { image: CanvasImageSource; x: number; y: number; width: number; height: number }

/** The medoids' pictures, by number of concept. */
export class Sheets {
  private pages: (ImageBitmap | null)[] = [];

  constructor(graph: string, concepts: number, private ready: () => void) {
    for (let page = 0; page * OF_SHEET < concepts; page++) {
      const url = source.sheet(graph, page);
      if (url) void this.load(url, page).catch(complain);
    }
  }

  get(number: number): Cut | null {
    const image = this.pages[Math.floor(number / OF_SHEET)];
    const cell = number % OF_SHEET;
    return image ? { image, x: (cell % ACROSS) * CELL, y: Math.floor(cell / ACROSS) * CELL, width: CELL, height: CELL } : null;
  }

  get any(): boolean { return this.pages.some(Boolean); }

  private async load(url: string, page: number): Promise<void> {
    const image = await loaded(url);
    if (!image) return;
    this.pages[page] = await createImageBitmap(image);
    this.ready();
  }
}

async function loaded(url: string): Promise<HTMLImageElement | null> {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch (error) {
    if (error instanceof DOMException) return null;  // the source has no such picture: a mark is drawn
    throw error;
  }
  return image;
}

/** The examples of concepts that are seen from near, asked for when they are first drawn. */
export class Near {
  private concepts = new Map<number, Concept | null>();
  private pictures = new Map<string, HTMLImageElement | null>();
  private asked = 0;

  constructor(private graph: string, private ready: () => void) {}

  /** The examples of a concept, its medoid first; null while they are not here. */
  examples(number: number): Concept["examples"] | null {
    const held = this.concepts.get(number);
    if (held === undefined && this.asked < AT_ONCE) void this.ask(number).catch(complain);
    return held?.examples.slice(0, SHOWN) ?? null;
  }

  /** The picture of an item; null while it is not here, or where there is none. */
  picture(item: string): Cut | null {
    const shot = source.picture(this.graph, item, SIDE);
    if (!shot) return null;
    const image = this.pictures.get(shot.url);
    if (image === undefined) void this.load(shot.url).catch(complain);
    return image ? cutOf(shot, image) : null;
  }

  private async ask(number: number): Promise<void> {
    this.asked++;
    this.concepts.set(number, null);
    try {
      this.concepts.set(number, await source.get<Concept>(address(this.graph, "concept", { number })));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind !== "missing" && error.kind !== "offline") setTimeout(() => this.concepts.delete(number), AGAIN);
    } finally {
      this.asked--;
      this.ready();
    }
  }

  private async load(url: string): Promise<void> {
    if (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value!);
    this.pictures.set(url, null);
    const image = await loaded(url);
    if (image) { this.pictures.set(url, image); this.ready(); }
  }
}

function cutOf({ cell = 0, columns = 1, side = 0 }: Shot, image: HTMLImageElement): Cut {
  return side
    ? { image, x: (cell % columns) * side, y: Math.floor(cell / columns) * side, width: side, height: side }
    : { image, x: 0, y: 0, width: image.naturalWidth, height: image.naturalHeight };
}
