import type { VNode } from "preact";

export function Beside(): VNode | null { return null; }
export function ConceptPage(): VNode | null { return null; }
export function ItemPage(): VNode | null { return null; }
