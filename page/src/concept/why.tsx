// Why an item has its class: what arrives over the concepts, who is heard, what each expert says, what would turn it.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { startJob } from "../actions";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { ConceptLink } from "../parts/concept_card";
import { Busy, Table, Trouble } from "../parts/small";
import { openItem } from "../routes";
import { at, mayWrite, notice, state } from "../store";
import type { Explained } from "../types";
import { useGet, useRevision } from "../use";
import { figure, share } from "../words";

const STATES: Record<string, string> = {
  taught: "The graph teaches it a class.",
  labelled: "A person labelled it.",
  ticked: "A person said what it is not.",
  "by a tick": "A tick on items that it is like takes a class from it.",
  off: "All its concepts are off: it has no class, and nothing is learned of it.",
  unreached: "No label reaches it: it has no class.",
};

export function Why({ id }: { id: string }): VNode {
  const again = useRevision();
  const [done, count] = useState(0);
  const { value, problem } = useGet<Explained>(at("explain", { id }), `${again} ${done}`);
  if (problem) return <><Trouble problem={problem} />{problem.kind === "input" && mayWrite() && <Propagate done={() => count(done + 1)} />}</>;
  if (!value) return <Busy words="Working out why" />;
  return (
    <section class="why" aria-label="Why">
      <p>{STATES[value.state] ?? value.state}{value.denied.length > 0 && ` Not ${value.denied.join(", ")}, by a tick.`}</p>
      {value.said.length > 0 && <p>A person said: {value.said.join(", ")}.</p>}
      <Arrives of={value} />
      <Heard of={value} />
      <Experts of={value} />
      <Turn of={value} />
    </section>
  );
}

// The teacher's answer is worked out by propagate, which this starts.
function Propagate({ done }: { done: () => void }): VNode {
  const [busy, set] = useState(false);
  const begin = async (): Promise<void> => {
    set(true);
    const id = await startJob("propagate", {}, (job) => {
      if (job.state === "failed") notice(job.error?.message ?? "propagate failed", { bad: true });
      if (!["waiting", "running"].includes(job.state)) { set(false); done(); }
    });
    if (id === null) set(false);
  };
  return <button type="button" disabled={busy} onClick={() => void begin()}>{busy ? "Propagating …" : "Propagate now"}</button>;
}

function Arrives({ of }: { of: Explained }): VNode | null {
  const parts = Object.entries(of.arrives).slice(0, 4);
  const classes = useCell(state)?.classes ?? [];
  if (parts.length === 0) return null;
  return (
    <p>Over its concepts arrives {parts.map(([name, part], place) => (
      <span key={name}>{place > 0 && ", "}<ClassName index={classes.indexOf(name.replace(/^not /, ""))} name={name} /> {share(part)}</span>
    ))}.</p>
  );
}

function Heard({ of }: { of: Explained }): VNode | null {
  if (of.heard.length === 0) return null;
  return (
    <>
      <h4>Heard most, of {of.speakers}</h4>
      <ul class="said">{of.heard.map((one) => (
        <li key={`${one.item} ${one.says}`}>
          <button type="button" class="link" onClick={() => openItem(one.item)}>{one.item}</button> <span>{one.says}, {share(one.share)}</span>
        </li>
      ))}</ul>
      {of.nearest.length > 0 && <>
        <h4>Nearest labelled items</h4>
        <ul class="said">{of.nearest.map((one) => (
          <li key={`${one.item} ${one.says}`}>
            <button type="button" class="link" onClick={() => openItem(one.item)}>{one.item}</button> <span>{one.says}, at {figure(one.distance)}</span>
          </li>
        ))}</ul>
      </>}
    </>
  );
}

function Experts({ of }: { of: Explained }): VNode | null {
  if (of.experts.length === 0) return null;
  return <Table caption="What each expert says" rows={of.experts} columns={[
    { key: "name", head: "expert", cell: (one) => one.name },
    { key: "weight", head: "weight", number: true, cell: (one) => figure(one.weight) },
    { key: "says", head: "says", cell: (one) => one.says === null ? "nothing" : `${one.says}, ${share(one.mass)}` },
    { key: "why", head: "why that weight", cell: (one) => one.why },
  ]} />;
}

function Turn({ of }: { of: Explained }): VNode | null {
  const turn = of.turn;
  if (!turn) return null;
  if (turn.already) return <p>The concepts alone already say {turn.says}.</p>;
  if (turn.item === null) return <p>No single label would turn what the concepts say.</p>;
  return (
    <p>What would turn it: labelling <button type="button" class="link" onClick={() => openItem(turn.item!)}>{turn.item}</button>
      {turn.says !== null && ` as ${turn.says}`}{turn.concept !== null && <> in <ConceptLink number={turn.concept} /></>}.</p>
  );
}
