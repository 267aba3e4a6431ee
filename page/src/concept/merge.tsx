// Merging concepts into one, and taking them apart again.
import type { VNode } from "preact";
import { mergeConcepts, takeApart } from "../actions";
import { mayWrite } from "../store";
import type { Concept } from "../types";
import { Named } from "./panel";
import { Picker } from "./picker";

export function Merge({ of, done }: { of: Concept; done: () => void }): VNode {
  return (
    <Picker
      words={`Merge into ${of.name}`}
      near={of.neighbours}
      not={of.number}
      pick={(number) => {
        done();
        void mergeConcepts(of.number, [number]);
      }}
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
          <button type="button" onClick={() => void takeApart([of.number])}>
            Take apart
          </button>
        )}
      </p>
    );
  }
  if (parts.length === 0) return null;
  return (
    <p class="merged">
      Holds <Named numbers={parts} />
      {mayWrite() && (
        <button type="button" onClick={() => void takeApart(parts)}>
          Take apart
        </button>
      )}
    </p>
  );
}
