// Merging concepts into one, and taking them apart again.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { mergeConcepts, takeApart } from "../actions";
import { useCell } from "../cell";
import { WriteButton } from "../parts/small";
import { map, mayWrite } from "../store";
import type { Concept } from "../types";
import { Named } from "./panel";
import { conceptNamed, items } from "../words";
import { Picker } from "./picker";

export function Merge({ of, done }: { of: Concept; done: () => void }): VNode {
  const [other, choose] = useState<number | null>(null);
  const where = useCell(map);
  if (other !== null)
    return (
      <div class="sure" role="group" aria-label="Merge?">
        <p>
          Merge {conceptNamed(where?.names[other] ?? String(other))} ({items(where?.sizes[other] ?? 0)}) into {conceptNamed(of.name)}? They become one concept;{" "}
          <em>Take apart</em> makes them two again.
        </p>
        <div class="does">
          <WriteButton
            class="main"
            onClick={() => {
              done();
              void mergeConcepts(of.number, [other]);
            }}
          >
            Merge
          </WriteButton>
          <button type="button" onClick={() => choose(null)}>
            Choose another
          </button>
        </div>
      </div>
    );
  return (
    <Picker
      words={`Merge into ${of.name}`}
      near={of.neighbours}
      not={of.number}
      pick={choose}
    />
  );
}

/** What a concept is merged into, or holds. */
export function Merged({ of }: { of: Concept }): VNode | null {
  const parts = of.parts.filter((one) => one !== of.number);
  if (of.into !== of.number) {
    return (
      <p class="merged">
        Merged into <Named numbers={[of.into]} />
        {mayWrite() && (
          <WriteButton onClick={() => void takeApart([of.number])}>Take apart</WriteButton>
        )}
      </p>
    );
  }
  if (parts.length === 0) return null;
  return (
    <p class="merged">
      Holds <Named numbers={parts} />
      {mayWrite() && (
        <WriteButton onClick={() => void takeApart(parts)}>Take apart</WriteButton>
      )}
    </p>
  );
}
