// One item large, what is like it around it, a key for each class, and what comes next.
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { cell, useCell } from "../cell";
import { Busy, Empty } from "../parts/small";
import { hrefOf, route, tune } from "../routes";
import { source } from "../source";
import { complain, graph, map, mayWrite, state } from "../store";
import { count } from "../words";
import { useKeys } from "../use";
import { Classes } from "./classes";
import { keysOf } from "./keys";
import { before, bring, move, queue, refresh, say, skip, skipped, takeBack, unskip } from "./queue";
import { Around, LastDone, Stage, Strip } from "./stage";
import { type Act, press } from "./typed";

// The item that the next class is denied of: a key that comes before the next drawing counts as well.
const denied = cell<string | null>(null);
const isNot = (): boolean => denied.value !== null && denied.value === before()?.item;
const setNot = (on: boolean): void => denied.set(on ? (before()?.item ?? null) : null);

export function LabelView(): VNode {
  const { items, place, state: how } = useCell(queue);
  const { query } = useCell(route);
  const name = useCell(graph);
  useCell(denied);
  const wanted = query["at"] ?? "";
  useEffect(() => {
    if (source.offline) return;
    void refresh()
      .then(() => (wanted ? bring(wanted).then(() => tune({ at: "" })) : undefined))
      .catch(complain);
  }, [name, query["concepts"], wanted]);
  useLabelKeys();
  const item = items[place] ?? null, not = isNot();
  if (source.offline) return <File />;
  if (how === "waiting" && !item) return <Busy words="Looking for the items worth a label" />;
  return (
    <div class="label">
      <h1 class="unseen">Label</h1>
      <Within />
      {item ? (
        <>
          <div class={`label-top${item.text && !item.picture ? " of-text" : ""}`}>
            <Stage item={item} />
            <div class="label-say">
              <First />
              <Classes
                not={not}
                turnNot={() => setNot(!not)}
                say={sayIt}
              />
              <LastDone />
            </div>
            <Around item={item} />
          </div>
          <Strip />
        </>
      ) : (
        <Nothing failed={how === "failed"} />
      )}
    </div>
  );
}

function sayIt(name: string): boolean {
  const taken = say(name, isNot());
  if (taken) setNot(false);
  return taken;
}

function useLabelKeys(): void {
  useKeys((event) => {
    if (/^[\p{L}\p{N}]$/u.test(event.key)) {
      if (event.repeat) return true; // a key that is held says one thing
      if (!mayWrite() || !before()) {
        if (event.key === "s") skip();
        return event.key === "s";
      }
      const { classes = [], slots = [] } = state.value ?? {};
      const chosen = [...keysOf(classes, slots)].find(([, key]) => key === event.key)?.[0];
      press(event.key, chosen === undefined ? undefined : classKey(chosen), letters()[event.key], classes);
      return true;
    }
    const does: Record<string, () => void> = {
      ArrowLeft: () => move(-1),
      ArrowRight: () => move(1),
      Escape: () => setNot(false),
    };
    const act = does[event.key];
    if (act === undefined || (event.key === "Escape" && !isNot())) return false;
    act();
    return true;
  });
}

function classKey(name: string): Act {
  const item = before()?.item;
  return {
    act: () => void sayIt(name),
    back: () => takeBack(item),
  };
}

function letters(): Record<string, Act> {
  const any = (state.value?.classes.length ?? 0) > 0;
  return {
    n: { act: () => any && setNot(!isNot()), back: () => setNot(false) },
    u: { act: () => takeBack(), late: true },
    s: { act: skip, late: true },
    t: { act: () => document.getElementById("class-field")?.focus() },
  };
}

// What a person reads who has never labelled anything here.
function First(): VNode | null {
  const now = useCell(state);
  if (!now || now.classes.length > 0) return null;
  return (
    <div class="first">
      <h2>What is this?</h2>
      <p>There is no class yet. Type the name of what you see and press Enter; the next items get it by one key.</p>
    </div>
  );
}

function Within(): VNode | null {
  const { query } = useCell(route);
  const concepts = query["concepts"];
  const names = useCell(map)?.names;
  if (!concepts) return null;
  const numbers = concepts.split(",").map(Number);
  const words =
    numbers.length === 1 ? `the concept ${names?.[numbers[0]!] ?? numbers[0]}` : `${count(numbers.length)} concepts`;
  return (
    <p class="within">
      Only items of {words}. <a href={hrefOf("label")}>All items</a>
    </p>
  );
}

function File(): VNode {
  return (
    <Empty title="A file to look at">
      <p>
        Open the graph with <code>kgkt serve --rw</code> to label its items. This file shows its{" "}
        <a href={hrefOf("map")}>map</a>, its concepts and what is <a href={hrefOf("doubt")}>doubted</a>.
      </p>
    </Empty>
  );
}

function Nothing({ failed }: { failed: boolean }): VNode {
  const away = useCell(skipped).size;
  const now = useCell(state);
  if (failed)
    return (
      <Empty title="No suggestions came">
        <button type="button" onClick={() => void refresh()}>
          Ask again
        </button>
      </Empty>
    );
  return (
    <Empty title="Nothing is left to suggest">
      <p>{now?.line}</p>
      {away > 0 && (
        <p>
          <button type="button" onClick={unskip}>
            Look again at the {count(away)} you skipped
          </button>
        </p>
      )}
      {(now?.label_count ?? 0) > 0 && (
        <p>
          Next: see which labels the graph doubts in <a href={hrefOf("doubt")}>Doubt</a>, or teach a model in{" "}
          <a href={hrefOf("b")}>B</a>.
        </p>
      )}
    </Empty>
  );
}
