// The name of a concept, edited where it stands.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { nameConcept } from "../actions";
import { mayWrite } from "../store";
import type { Concept } from "../types";
import { WriteButton } from "../parts/small";
import { focusNow } from "../use";

export function Name({ of }: { of: Concept }): VNode {
  const [text, set] = useState<string | null>(null);
  if (text === null) {
    return (
      <div class="name">
        <small class="kind">Concept</small>
        <h2>{of.name}</h2>
        {mayWrite() && (
          <WriteButton onClick={() => set(of.name)}>Rename</WriteButton>
        )}
        {of.name !== of.auto_name && of.auto_name && <small>generated name: {of.auto_name}</small>}
      </div>
    );
  }
  const save = (event: Event): void => {
    event.preventDefault();
    const name = text.trim();
    set(null);
    if (name !== of.name) void nameConcept(of.number, name === "" || name === of.auto_name ? null : name);
  };
  return (
    <form class="name" onSubmit={save}>
      <input
        aria-label="Name of the concept"
        value={text}
        ref={focusNow}
        maxLength={200}
        placeholder={of.auto_name}
        onInput={(event) => set(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            event.stopPropagation();
            set(null);
          }
        }}
      />
      <WriteButton type="submit" class="main">
        {text.trim() ? "Save" : "Use the generated name"}
      </WriteButton>
      <button type="button" onClick={() => set(null)}>
        Cancel
      </button>
      <small>Empty: the generated name, {of.auto_name}</small>
    </form>
  );
}
