// The shapes of what the service answers. A concept is told by its number, a class by its place in State.classes.

export type Kind = "array" | "images" | "text" | "words" | "features";

export interface Session { version: string; write: boolean; graphs: string[]; graph: string }

export interface GraphLine { graph: string; items: number; concepts: number; labels: number; complete: boolean }

export interface Stage { ran: string | boolean | null; stale: boolean; why: string[] }

export interface Overview {
  graph: string; store: string; kind: Kind; pictures: boolean; texts: boolean;
  items: number; concepts: number; active: number; edges: number; themes: number;
  sources: string[]; made_at: string; stages: Record<string, Stage>; notices: string[];
}

export interface Edges { a: number[]; b: number[]; weight: number[] }

export interface Backbone extends Edges { kept: number; all: number; rule: string }

export interface Theme { number: number; name: string; size: number; title?: string | null }

export interface MapData {
  layout: number;
  x: number[]; y: number[];                       // -1..1
  names: string[]; auto_names: string[]; sizes: number[];
  themes: number[]; theme_names: Theme[];         // -1: no theme
  active: boolean[]; into: number[];              // its own number, or what it is merged into
  medoids: (string | null)[];
  sources: Record<string, number[]> | null;       // the share of a source per concept
  reach: number[] | null;                         // 0..1, what reached the last mapped B
  edges: Backbone;
}

export interface Expected { value: number; low: number; high: number }

export interface State {
  revision: number; layout: number; answer: "none" | "concepts" | "items";
  classes: string[]; slots: number[];             // what a class keeps while others come and go: its colour, shape and key
  class_labels: number[]; class_ticks: number[]; class_items: number[];
  best: number[]; mass: number[]; doubt: number[]; labels: number[];  // one per concept; best: -1 for none
  label_count: number; tick_count: number; reached: number; items: number;
  expected: Expected | null; line: string; working: boolean; last_edit: number | null;
}

export interface ConceptLine {
  number: number; name: string; size: number; theme: number; active: boolean;
  best: number; mass: number; doubt: number; labels: number; medoid: string | null;
}

export interface ConceptPage { total: number; concepts: ConceptLine[] }

export interface Small {
  item: string; picture: boolean; text: string | null; label: string | null; ticks: string[];
  best: string | null; mass: number | null; strength: number | null;
}

export interface Mass { class: string; mass: number }

export interface Said { item: string; class: string }

export interface Neighbour { number: number; name: string; weight: number; cosine: number; best: number }

export interface Block {
  model: string; layer: string; index: number; kind: string;
  strength: number; planned: number | null; measured: number | null;
}

export interface Concept {
  number: number; key: string; name: string; auto_name: string; size: number;
  theme: number; theme_name: string | null; active: boolean; into: number; parts: number[];
  examples: Small[]; masses: Mass[]; neighbours: Neighbour[];
  labels: Said[]; ticks: Said[]; contradictions: { item: string; class: string; other: string }[];
  blocks: Block[]; sources: Record<string, number> | null;
}

export interface ItemConcept { number: number; name: string; strength: number; active: boolean }

export interface Item {
  item: string; picture: boolean; text: string | null; label: string | null; ticks: string[];
  concepts: ItemConcept[]; says: Mass[]; answer: State["answer"];
}

export interface Suggested {
  item: string; concept: number; name: string; speaks_for: number; why: string;
  picture: boolean; text: string | null; leans_to: Mass[];
}

export interface Suggestions { items: Suggested[]; covered: number }

export interface Found {
  concepts: { number: number; name: string }[]; classes: string[]; items: (Small & { concept: number | null })[];
}

export interface Similar {
  items: {
    item: string; cosine: number; picture: boolean; text: string | null; label: string | null; concept: number | null;
  }[];
  concepts: { number: number; name: string; cosine: number }[];
}

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

export interface Rows {
  columns: string[]; rows: Value[][]; truncated: boolean; seconds: number; notices: string[]; concepts: number[];
}

/** `params`: its parameters but `graph`, with their defaults; null for one that must be given. */
export interface Shipped { name: string; doc: string; params: Record<string, Value> }

/** A label of an item that another one hears, and its share in what arrives there. */
export interface HeardLabel { item: string; class: string; share: number }

export interface Explained {
  item: string; state: string; because: string; denied: string[]; said: string[]; masses: Record<string, number>;
  concepts: { number: number; name: string; strength: number; active: boolean; leans_to: Record<string, number> }[];
  arrives: Record<string, number>; concepts_alone: string | null;
  labels_heard: HeardLabel[]; labels_that_arrive: number;
  nearest: { item: string; class: string; distance: number }[];
  experts: { name: string; weight: number; why: string; class: string | null; mass: number | null }[];
  turn: { class: string | null; item: string | null; concept: number | null } | null;
  advice: string | null;
}

export interface Suspect {
  item: string; given: string; expected: string; score: number; is_issue: boolean; because: HeardLabel[];
  picture: boolean; text: string | null;
}

export interface Suspects { suspects: Suspect[]; issues: number; judged: number; passed_over: string[]; notices: string[] }

export interface Border {
  a: string; b: string; items: number;
  concepts: { number: number; name: string; masses: [string, number][]; size: number }[];
}

export interface Edit { number: number; at: string; by: string; verb: string; what: string; undone_by: number | null }

export interface Edited { edit: number | null; words: string; notices: string[]; state: State }

export interface Progress { what: string; done: number; total: number | null }

export interface Point { step: number; loss: number; val_loss: number | null }

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface Job {
  id: string; graph: string; verb: string; settings: Record<string, Value>; state: JobState;
  started: string | number | null; seconds: number | null; progress: Progress | null; notices: string[];
  curve: Point[]; result: Record<string, Value> | null; error: { kind: string; message: string } | null;
}

export interface Target { file: string; bytes: number; fused: boolean; outputs?: number | null }

export interface FusedRow { method: string; value: number | null; [key: string]: Value }

export interface Model {
  name: string; file: string; exists: boolean; layers: { layer: string; kind: string; blocks: number }[];
  fused: { out: string; at: string; last_edit: number | null; figures: Record<string, Value>; rows: FusedRow[] } | null;
}

export interface LayerBlock {
  index: number; kind: string;
  concepts: { number: number; name: string; strength: number; planned: number | null; measured: number | null }[];
}
