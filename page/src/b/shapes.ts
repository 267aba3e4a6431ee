// What the jobs of B answer, as far as the view shows it.
import { count } from "../words";

export interface WorthRow { method: string; title: string; value: number | null; minus: number | null; error: number | null }

export interface Written { kind: string; blocks: number; written: boolean; why: string }

export interface Fused {
  out: string; exists?: boolean; at?: string; last_edit?: number | null; figures: Record<string, number | null>; rows: WorthRow[];
  written: Record<string, Written>; notices: string[]; card?: string;
}

interface TracedConcept { number: number; name: string; active: boolean; class: string | null }
interface TracedExample { item: string; value: number; concept: number | null; class: string | null; text: string | null }
export interface TracedBlock {
  layer: string; unit: number; contribution: number; share: number; concept: number | null; name: string | null; measured: number | null;
}

export interface TracedItem {
  target: string; item: string; class: string; mass: number; next_class: string; next_mass: number;
  graph_says: string | null; graph_mass: number | null; label: string | null; new: boolean;
  concepts: (TracedConcept & { membership: number; contribution: number })[];
  own: number | null; blocks: TracedBlock[]; without: string | null; without_mass: number | null; nearest: TracedExample[];
}

export interface TracedUnit {
  target: string; layer: string; unit: number; name: string; explained: number | null; by_chance: number | null;
  concepts: (TracedConcept & { strength: number; measured: number | null; share: number | null })[];
  speaks_for: Record<string, number>; examples: TracedExample[];
}

export interface TracedClass {
  target: string; class: string; called: number; agreed: number; without: number | null;
  concepts: (TracedConcept & { share: number; strength: number | null })[]; blocks: TracedBlock[]; examples: TracedExample[];
}

export type Traced = TracedItem | TracedUnit | TracedClass;

const KINDS: Record<string, string> = { unit: "units", filter: "filters", row: "rows", head: "classes" };

/** "64 units": the blocks of a layer. */
export const blockWords = (kind: string, blocks: number): string => `${count(blocks)} ${KINDS[kind] ?? `${kind} blocks`}`;
