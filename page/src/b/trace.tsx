// Why B says so: of an item (typed, chosen or dropped), a unit or a class, back to concepts and A's examples.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { ConceptCard } from "../parts/concept_card";
import { Picture } from "../parts/picture";
import { Table } from "../parts/small";
import { openItem } from "../routes";
import { source } from "../source";
import { at, chosen, complain, current, map, mayWrite, notice, overview, state } from "../store";
import type { Job, Similar } from "../types";
import { count, figure, share } from "../words";
import type { Traced, TracedBlock, TracedClass, TracedItem, TracedUnit } from "./shapes";
import { useChanged } from "./since";
import { begin, isOf, isRunning, work } from "./work";

/** `held`: the trace that the service made last, undefined where that is not known yet. What the address names is traced
 *  at once, unless that was. */
export function Trace({ what, tell, target, held }: {
  what: string; tell: (what: string) => void; target: string | null; held: Job | null | undefined;
}): VNode | null {
  const jobs = useCell(work);
  const [text, set] = useState(what);
  const [over, setOver] = useState(false);
  const end = useRef<(() => void) | null>(null);
  const asked = useRef("");
  useEffect(() => set(what), [what]);
  useEffect(() => () => end.current?.(), []);
  const busy = isRunning(jobs.trace);
  const shown = isOf(jobs.trace, target) ? jobs.trace : undefined; // what was traced of another B is not of this one
  const run = (words: string): void => {
    const now = words.trim();
    if (!now) return;
    asked.current = now;
    tell(now);
    void begin("trace", { ...settingOf(now), ...(target ? { target } : {}) });
  };
  useEffect(() => {
    if (!what || held === undefined || what === asked.current || !mayWrite()) return;
    const there = asked.current === "" && held?.state === "done" && askedOf(held) === what && held.settings["target"] === target;
    asked.current = what;
    if (!there) run(what);
  }, [what, held]);
  const drop = (event: DragEvent): void => {
    const file = event.dataTransfer?.files[0];
    setOver(false);
    if (!file) return;
    event.preventDefault();
    end.current?.();
    end.current = nearestOf(file, run);
  };
  if (source.offline) return null;
  return (
    <section aria-label="Trace" class={`trace${over ? " over" : ""}`} onDrop={drop}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}>
      <h2>Why does B say so?</h2>
      <form class="trace-ask" onSubmit={(event) => { event.preventDefault(); run(text); }}>
        <input value={text} aria-label="An item, a class, or layer:unit" placeholder="an item, a class, or hidden1:3" onInput={(event) => set(event.currentTarget.value)} />
        <button type="submit" class="main" disabled={busy || !text.trim()}>Trace</button>
        <Suggested run={run} busy={busy} />
      </form>
      <small>{overview.value?.pictures ? "Or drop a picture here: the item most like it is traced." : ""}</small>
      {shown?.state === "done" && shown.result && (
        <>
          <Before job={shown} busy={busy} again={() => run(askedOf(shown))} />
          <Answer traced={shown.result as unknown as Traced} />
        </>
      )}
    </section>
  );
}

// What was traced stands as it was then, while the concepts beside it show what they are now.
function Before({ job, busy, again }: { job: Job; busy: boolean; again: () => void }): VNode | null {
  const started = job.started === null ? "" : String(job.started);
  const since = useChanged(started, started);
  if (!since) return null;
  return (
    <p class="before" role="status">Traced before {since}: what B and the graph say stands from then.{" "}
      <button type="button" disabled={busy} onClick={again}>Trace again</button></p>
  );
}

const askedOf = ({ settings }: Job): string => String(settings["item"] ?? settings["what"] ?? "");

// What is open or chosen elsewhere can be traced with one press.
function Suggested({ run, busy }: { run: (what: string) => void; busy: boolean }): VNode {
  const before = useCell(current), picked = useCell(chosen), data = useCell(map);
  const medoid = picked.length === 1 ? data?.medoids[picked[0]!] ?? null : null;
  const all = [...new Set([before, medoid])].filter((one) => one !== null);
  return <>{all.map((one) => <button key={one} type="button" disabled={busy} onClick={() => run(one)}>Trace item {one}</button>)}</>;
}

// A class is told by its name, a unit as layer:unit; all else is an item.
function settingOf(asked: string): { what: string } | { item: string } {
  const isClass = state.value?.classes.includes(asked) ?? false;
  return isClass || /^[^:]+:\d+$/.test(asked) ? { what: asked } : { item: asked };
}

function nearestOf(file: File, run: (what: string) => void): () => void {
  let stop: (() => void) | null = null;
  let here = true;
  source.send<{ job: string }>(at("similar"), file).then(({ job }) => {
    if (here) stop = source.follow(job, (now) => {
      if (now.state === "failed") notice(now.error?.message ?? "The picture could not be looked at.", { bad: true });
      const found = now.state === "done" ? (now.result as unknown as Similar).items[0] : undefined;
      if (!found) return;
      notice(`${found.item} is most like ${file.name} (${share(found.cosine)})`);
      run(found.item);
    });
  }).catch(complain);
  return () => { here = false; stop?.(); };
}

function Answer({ traced }: { traced: Traced }): VNode {
  return (
    <article class="traced" aria-label="What was traced">
      {"item" in traced ? <OfItem of={traced} /> : "unit" in traced ? <OfUnit of={traced} /> : <OfClass of={traced} />}
    </article>
  );
}

function Says({ name }: { name: string | null }): VNode {
  return <ClassName name={name} />;
}

function OfItem({ of }: { of: TracedItem }): VNode {
  return (
    <>
      <div class="traced-head">
        <button type="button" class="link plain" onClick={() => openItem(of.item)} aria-label={`Open ${of.item}`}><Seen item={of.item} text={null} side={96} /></button>
        <dl class="says">
          <dt>{of.target} says</dt><dd><Says name={of.class} />, {share(of.mass)}; next <Says name={of.next_class} />, {share(of.next_mass)}</dd>
          <dt>The graph says</dt><dd><Says name={of.graph_says} />{of.graph_mass === null ? "" : `, ${share(of.graph_mass)}`}</dd>
          {of.label !== null && <><dt>Its label</dt><dd><Says name={of.label} /></dd></>}
          {of.without !== null && <><dt>Without these units</dt><dd><Says name={of.without} />{of.without_mass === null ? "" : `, ${share(of.without_mass)}`}</dd></>}
        </dl>
      </div>
      <h3>Concepts behind it</h3>
      <div class="cards">{of.concepts.map((one) => <ConceptCard key={one.number} number={one.number} note={`${share(one.membership)} of the item, ${figure(one.contribution)} of the evidence`} />)}</div>
      <BlockTable blocks={of.blocks} />
      <h3>Nearest examples of A</h3>
      <Examples all={of.nearest} />
    </>
  );
}

function OfUnit({ of }: { of: TracedUnit }): VNode {
  const speaks = Object.entries(of.speaks_for).sort(([, a], [, b]) => b - a).slice(0, 4);
  return (
    <>
      <h3>{of.target}, {of.layer} {of.unit}</h3>
      <p>Concepts explain {share(of.explained)} of what it does (by chance {share(of.by_chance)}). It speaks for {speaks.map(([name, value], at) => (
        <span key={name}>{at ? ", " : ""}<Says name={name} /> {figure(value)}</span>))}.</p>
      <div class="cards">{of.concepts.map((one) => <ConceptCard key={one.number} number={one.number} note={`measured ${figure(one.measured)}, planned strength ${figure(one.strength)}`} />)}</div>
      <h3>Items at which it is strongest</h3>
      <Examples all={of.examples} />
    </>
  );
}

function OfClass({ of }: { of: TracedClass }): VNode {
  return (
    <>
      <h3>{of.target} calls {count(of.called)} items <Says name={of.class} /></h3>
      <p>The graph agrees on {count(of.agreed)}.{of.without === null ? "" : ` Without these units ${share(of.without)} of them stay.`}</p>
      <div class="cards">{of.concepts.map((one) => <ConceptCard key={one.number} number={one.number} note={`${share(one.share)} of the items`} />)}</div>
      <BlockTable blocks={of.blocks} />
      <h3>Items of which it is surest</h3>
      <Examples all={of.examples} />
    </>
  );
}

function BlockTable({ blocks }: { blocks: TracedBlock[] }): VNode | null {
  if (!blocks.length) return null;
  return (
    <>
      <h3>Units of B</h3>
      <Table caption="Units of B that speak for it" rows={blocks} columns={[
        { key: "unit", head: "Unit", cell: (row) => `${row.layer} ${row.unit}` },
        { key: "share", head: "Share of its layer", number: true, cell: (row) => share(row.share) },
        { key: "concept", head: "Concept", cell: (row) => row.name ?? "none" },
        { key: "measured", head: "Measured", number: true, cell: (row) => figure(row.measured) },
      ]} />
    </>
  );
}

function Examples({ all }: { all: TracedItem["nearest"] }): VNode {
  return (
    <ul class="examples">
      {all.map((one) => (
        <li key={one.item}>
          <button type="button" class="link plain" onClick={() => openItem(one.item)} aria-label={`Open ${one.item}`}><Seen item={one.item} text={one.text} side={64} /></button>
          <small><Says name={one.class} /></small>
        </li>
      ))}
    </ul>
  );
}

function Seen({ item, text, side }: { item: string; text: string | null; side: number }): VNode {
  return <Picture of={{ item, text, picture: overview.value?.pictures ?? false }} side={side} />;
}
