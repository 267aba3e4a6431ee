// Why an item has its class: what arrives over the concepts, who is heard, what each expert says, what would turn it.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { startJob } from "../actions";
import { useCell } from "../cell";
import { ClassName } from "../parts/classes";
import { Busy, Table, Trouble, WriteButton } from "../parts/small";
import { openItem } from "../routes";
import { at, mayWrite, notice, state } from "../store";
import type { Explained } from "../types";
import { useGet, useRevision } from "../use";
import { figure, share } from "../words";

export function Why({ id }: { id: string }): VNode {
  const again = useRevision();
  const [done, count] = useState(0);
  const { value, problem } = useGet<Explained>(at("explain", { id }), `${again} ${done}`);
  if (problem)
    return (
      <>
        <Trouble problem={problem} />
        {problem.kind === "input" && mayWrite() && <Propagate done={() => count(done + 1)} />}
      </>
    );
  if (!value) return <Busy words="Working out why" />;
  return (
    <section class="why" aria-label="Why">
      <p>{value.because ? sentence(value.because) : "The graph teaches it a class, by the labels that it hears."}</p>
      {value.denied.length > 0 && <p>Not {value.denied.join(", ")}, by a tick.</p>}
      <Arrives of={value} />
      <Heard of={value} />
      <Experts of={value} />
      {value.advice && <p>What would change it: {value.advice}.</p>}
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
      if (!["waiting", "running"].includes(job.state)) {
        set(false);
        done();
      }
    });
    if (id === null) set(false);
  };
  return (
    <WriteButton disabled={busy} onClick={() => void begin()}>
      {busy ? "Propagating …" : "Propagate now"}
    </WriteButton>
  );
}

function Arrives({ of }: { of: Explained }): VNode | null {
  // The largest first: an object whose keys are digits comes in the order of those.
  const parts = Object.entries(of.arrives)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 4);
  const classes = useCell(state)?.classes ?? [];
  if (parts.length === 0) return null;
  return (
    <p>
      Over its concepts arrives{" "}
      {parts.map(([name, part], place) => (
        <span key={name}>
          {place > 0 && ", "}
          <ClassName name={classes.includes(name) ? name : name.replace(/^not /, "")} words={name} /> {share(part)}
        </span>
      ))}
      .
    </p>
  );
}

function Heard({ of }: { of: Explained }): VNode | null {
  if (of.labels_heard.length === 0) return null;
  return (
    <>
      <h4>Heard most, of {of.labels_that_arrive} labels</h4>
      <ul class="said">
        {of.labels_heard.map((one) => (
          <li key={`${one.item} ${one.class}`}>
            <button type="button" class="link" onClick={() => openItem(one.item)}>
              {one.item}
            </button>{" "}
            <span>
              {one.class}, {share(one.share)}
            </span>
          </li>
        ))}
      </ul>
      {of.nearest.length > 0 && (
        <>
          <h4>Nearest labelled items</h4>
          <ul class="said">
            {of.nearest.map((one) => (
              <li key={`${one.item} ${one.class}`}>
                <button type="button" class="link" onClick={() => openItem(one.item)}>
                  {one.item}
                </button>{" "}
                <span>
                  {one.class}, at {figure(one.distance)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Experts({ of }: { of: Explained }): VNode | null {
  if (of.experts.length === 0) return null;
  return (
    <Table
      caption="What each expert says"
      rows={of.experts}
      columns={[
        { key: "name", head: "expert", cell: (one) => one.name },
        { key: "weight", head: "weight", number: true, cell: (one) => figure(one.weight) },
        { key: "class", head: "says", cell: (one) => (one.class === null ? "nothing" : `${one.class}, ${share(one.mass)}`) },
        { key: "why", head: "why that weight", cell: (one) => one.why },
      ]}
    />
  );
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
