// What the map shows of the graph, as its address says: colour, what the legend leaves, what is chosen, the list.
import { useEffect } from "preact/hooks";
import { cell } from "../cell";
import { route, tune } from "../routes";
import { chosen, colour, type Colour } from "../store";

const IN_ADDRESS = 200;  // chosen concepts that still stand in the address

/** Keys of the legend's entries that are shown; empty: all. */
export const only = cell<ReadonlySet<string>>(new Set());
export const lasso = cell(false);
/** What the lines that are drawn lie between. */
export const lines = cell<"concepts" | "themes" | "none">("none");

export function choose(numbers: readonly number[]): void {
  chosen.set(numbers);
  tune({ chosen: numbers.length <= IN_ADDRESS ? numbers.join(",") : "" });
}

export function addChosen(numbers: readonly number[]): void {
  choose([...new Set([...chosen.value, ...numbers])]);
}

/** Takes a concept to what is chosen, or away from it. */
export function toggle(number: number): void {
  choose(chosen.value.includes(number) ? chosen.value.filter((one) => one !== number) : [...chosen.value, number]);
}

export function paint(next: Colour): void {
  colour.set(next);
  show(new Set());
  tune({ colour: next === "class" ? "" : next });
}

export function show(keys: ReadonlySet<string>): void {
  only.set(keys);
  tune({ only: [...keys].map(encodeURIComponent).join(",") });
}

/** Keeps these in step with the address; for the view. */
export function useAddress(concepts: number): void {
  useEffect(() => {
    const read = (): void => {
      const { query, view } = route.value;
      if (view !== "map") return;
      const numbers = (query["chosen"] ?? "").split(",").filter(Boolean).map(Number)
        .filter((one) => Number.isInteger(one) && one >= 0 && one < concepts);
      if (numbers.join() !== chosen.value.join() && chosen.value.length <= IN_ADDRESS) chosen.set(numbers);
      colour.set((query["colour"] || "class") as Colour);
      const keys = (query["only"] ?? "").split(",").filter(Boolean).map(decodeURIComponent);
      if (keys.join() !== [...only.value].join()) only.set(new Set(keys));
    };
    read();
    return route.subscribe(read);
  }, [concepts]);
}
