import type { VNode } from "preact";

export function Search(): VNode {
  return <input class="search" type="search" aria-label="Search" placeholder="Search" />;
}
