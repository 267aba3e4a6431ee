// What can be done to the concepts that are chosen.
import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import { label, mergeConcepts, nameConcept, switchConcepts, takeApart } from "../actions";
import { useCell } from "../cell";
import { meant, onShiftEnter, Taken } from "../parts/meant";
import { hrefOf, openConcept, route } from "../routes";
import { source } from "../source";
import { at, chosen, complain, connected, map, mayWrite, notice, session, state } from "../store";
import type { Item, MapData, State } from "../types";
import { conceptNamed, concepts, items } from "../words";
import { choose } from "./seen";

const AT_ONCE = 8;  // items asked for at a time

export function ChosenBar(): VNode | null {
  const numbers = useCell(chosen);
  const data = useCell(map), now = useCell(state);
  const { query } = useCell(route);
  useCell(session);
  if (!numbers.length || !data || !now) return null;
  if (numbers.length === 1 && query["concept"] === String(numbers[0])) return null;  // it is open beside the map
  const held = numbers.reduce((sum, i) => sum + (data.sizes[i] ?? 0), 0);
  const [first] = numbers;
  return (
    <section class="chosen-bar" aria-label="What is chosen">
      <p>
        <strong>{numbers.length === 1 ? conceptNamed(data.names[first!] ?? String(first)) : concepts(numbers.length)}</strong>{" "}
        <small>with {items(held)}</small>
      </p>
      {mayWrite() && <Edits key={numbers.join()} numbers={numbers} data={data} now={now} />}
      {numbers.length === 2 && <a class="button" href={hrefOf("concept", { compare: String(numbers[1]) }, String(first))}>Compare</a>}
      {numbers.length === 1 && <button type="button" onClick={() => openConcept(first!)}>Open</button>}
      <button type="button" onClick={() => choose([])}>Choose none</button>
    </section>
  );
}

function Edits({ numbers, data, now }: { numbers: readonly number[]; data: MapData; now: State }): VNode {
  const [runs, setBusy] = useState(false);
  const busy = !useCell(connected) || runs;
  const [first] = numbers;
  const on = numbers.filter((i) => data.active[i]), off = numbers.filter((i) => !data.active[i] && data.into[i] === i);
  const merged = numbers.filter((i) => data.into.some((into, part) => into === i && part !== i));
  const run = (work: () => Promise<unknown>): void => {
    setBusy(true);
    work().catch(complain).finally(() => setBusy(false));
  };
  const largest = numbers.reduce((a, b) => data.sizes[b]! > data.sizes[a]! ? b : a, first!);
  return (
    <>
      <LabelAs now={now} busy={busy} words={labelled(numbers, data, now)} act={(name) => run(() => labelMedoids(numbers, name, data, now))} />
      {on.length > 0 && <button type="button" disabled={busy} onClick={() => run(() => switchConcepts(on, false))}>Switch off</button>}
      {off.length > 0 && <button type="button" disabled={busy} onClick={() => run(() => switchConcepts(off, true))}>Switch on</button>}
      {numbers.length === 1 && <NameIt number={first!} data={data} busy={busy} run={run} />}
      {numbers.length > 1 && (
        <button type="button" disabled={busy} title={`All become one concept: ${data.names[largest]}`}
          onClick={() => run(async () => { if (await mergeConcepts(largest, numbers.filter((i) => i !== largest))) choose([largest]); })}>Merge</button>
      )}
      {merged.length > 0 && <button type="button" disabled={busy} onClick={() => run(() => takeApart(merged))}>Take apart</button>}
    </>
  );
}

// Which items "Label" labels: a concept is told of by the item in its middle.
function labelled(numbers: readonly number[], data: MapData, now: State): string {
  const those = numbers.filter((i) => data.medoids[i]);
  const some = those.some((i) => now.labels[i]);  // which of them is not known before each item is asked for
  return `Labels ${some ? "up to " : ""}${items(those.length)}: the one in the middle of ${numbers.length === 1 ? "the" : "each"} concept${
    some ? ", where it has no label yet" : ""}`;
}

function LabelAs({ now, busy, words, act }: { now: State; busy: boolean; words: string; act: (name: string) => void }): VNode {
  const [name, set] = useState("");
  const id = useId();
  const wanted = name.trim(), taken = meant(name, now.classes);
  const send = (said: string): void => { if (said && !busy) act(said); };
  return (
    <form class="label-as" onSubmit={(event) => { event.preventDefault(); send(taken ?? wanted); }}>
      <input list={id} value={name} aria-label="Label as" aria-describedby={`${id}-taken`} placeholder="Label as …"
        onInput={(event) => set(event.currentTarget.value)} onKeyDown={(event) => onShiftEnter(event, () => send(wanted))} />
      <datalist id={id}>{now.classes.map((one) => <option key={one} value={one} />)}</datalist>
      <button type="submit" disabled={busy || !wanted} title={words}>Label</button>
      <Taken id={`${id}-taken`} text={name} taken={taken} make={send} />
      <small>{words}</small>
    </form>
  );
}

function NameIt({ number, data, busy, run }: { number: number; data: MapData; busy: boolean; run: (work: () => Promise<unknown>) => void }): VNode {
  const [name, set] = useState<string | null>(null);
  if (name === null) return <button type="button" disabled={busy} onClick={() => set(data.names[number] ?? "")}>Name</button>;
  const done = (event: Event): void => {
    event.preventDefault();
    run(() => nameConcept(number, name.trim() || null));
    set(null);
  };
  return (
    <form class="label-as" onSubmit={done}>
      <input value={name} aria-label="Name of the concept" maxLength={200} ref={(field) => field?.focus()} onInput={(event) => set(event.currentTarget.value)}
        onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); set(null); } }} />
      <button type="submit" disabled={busy}>{name.trim() ? "Save the name" : "Use the generated name"}</button>
    </form>
  );
}

// Labels the medoids that have no label; those that have one are left as they are.
async function labelMedoids(numbers: readonly number[], name: string, data: MapData, now: State): Promise<void> {
  const medoids = numbers.flatMap((i) => data.medoids[i] ? [{ concept: i, item: data.medoids[i]! }] : []);
  const free = medoids.filter(({ concept }) => !now.labels[concept]).map(({ item }) => item);
  const asked = medoids.filter(({ concept }) => now.labels[concept]).map(({ item }) => item);
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const found = await Promise.all(asked.slice(from, from + AT_ONCE).map((id) => source.get<Item>(at("item", { id }))));
    free.push(...found.filter((one) => one.label === null).map((one) => one.item));
  }
  if (free.length) await label(free.map((item) => ({ item, class: name })));
  const left = medoids.length - free.length;
  if (left) notice(`${items(left)} left as ${left === 1 ? "it is" : "they are"}: labelled before`);
}
