// Where a graph was made of features alone, how to see what they are of.
import type { VNode } from "preact";
import { useCell } from "../cell";
import { overview } from "../store";

export function Bare(): VNode | null {
  const about = useCell(overview);
  if (!about || about.kind !== "features" || about.pictures || about.texts) return null;
  return (
    <p class="bare-note quiet">
      This graph was made of features alone, so that items show as their names. <code>kgkt populate --data</code> with the
      pictures or texts beside the features shows them here.
    </p>
  );
}
