// A picture that was dropped on the page: which items and concepts are like it.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { cell } from "../cell";
import { ConceptCard } from "../parts/concept_card";
import { Busy, Trouble } from "../parts/small";
import { Problem, source } from "../source";
import { at, complain, highlight, notice, overview } from "../store";
import type { Similar } from "../types";
import { share } from "../words";
import { go } from "../routes";
import { SimilarList } from "./item";

const MOST = 8 * 2 ** 20; // bytes the service takes

export const dropped = cell<File | null>(null);

/** Takes a file for which similar items are sought, or says why not. */
export function take(file: File | undefined): void {
  if (!file) return;
  if (source.offline) notice("This file can not look for pictures. Open the graph with kgkt serve.", { bad: true });
  else if (!overview.value?.pictures)
    notice("This graph is not made of pictures, so that none can be looked for.", { bad: true });
  else if (!file.type.startsWith("image/")) notice(`${file.name} is no picture.`, { bad: true });
  else if (file.size > MOST) notice(`${file.name} is larger than 8 MB.`, { bad: true });
  else dropped.set(file);
}

/** Files that are dropped anywhere on the page, unless a view takes them. */
export function catchDrops(): void {
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}

export function DroppedPanel({ of }: { of: File }): VNode {
  const [found, set] = useState<Similar | Problem | null>(null);
  const [url, setUrl] = useState("");
  const [broken, setBroken] = useState(false); // the message beside it says so
  useEffect(() => {
    const address = URL.createObjectURL(of);
    setUrl(address);
    set(null);
    setBroken(false);
    let end: (() => void) | null = null;
    let here = true;
    source
      .send<{ job: string }>(at("similar"), of)
      .then(({ job }) => {
        if (here)
          end = source.follow(job, (now) => {
            if (now.state === "done") set(now.result as unknown as Similar);
            if (now.state === "failed") set(new Problem("input", now.error?.message ?? "It failed."));
            if (now.state === "cancelled") set(new Problem("input", "It was cancelled."));
          });
      })
      .catch((error: unknown) => (error instanceof Problem ? set(error) : complain(error)));
    return () => {
      here = false;
      end?.();
      URL.revokeObjectURL(address);
    };
  }, [of]);
  return (
    <article class="item" aria-label="Like the picture">
      <h2>Like {of.name}</h2>
      {url && !broken && <img class="picture" src={url} alt={of.name} width={160} height={160} onError={() => setBroken(true)} />}
      {found === null ? (
        <Busy words="The model looks at it" />
      ) : found instanceof Problem ? (
        <Trouble problem={found} />
      ) : (
        <Found of={found} />
      )}
    </article>
  );
}

function Found({ of }: { of: Similar }): VNode {
  const show = (): void => {
    highlight.set(of.concepts.map((one) => one.number));
    go("map");
  };
  return (
    <>
      <h3>Similar items</h3>
      <SimilarList of={of} />
      <h3>Nearest concepts</h3>
      <ul class="cards">
        {of.concepts.map((one) => (
          <li key={one.number}>
            <ConceptCard number={one.number} note={share(one.cosine)} />
          </li>
        ))}
      </ul>
      <button type="button" onClick={show}>
        Show them on the map
      </button>
    </>
  );
}
