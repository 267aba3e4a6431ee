// A value that tells when it is set, and the hook that draws a component again when it is.
import { useEffect, useState } from "preact/hooks";

export interface Cell<T> {
  readonly value: T;
  set(value: T): void;
  /** Calls `fn` after every change; returns what ends it. */
  subscribe(fn: (value: T) => void): () => void;
}

export function cell<T>(first: T): Cell<T> {
  let value = first;
  const all = new Set<(value: T) => void>();
  return {
    get value() { return value; },
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      [...all].forEach((fn) => fn(next));
    },
    subscribe(fn) {
      all.add(fn);
      return () => void all.delete(fn);
    },
  };
}

export function useCell<T>(held: Cell<T>): T {
  const [, redraw] = useState({});
  const drawn = held.value;
  useEffect(() => {
    if (!Object.is(drawn, held.value)) redraw({});  // it was set between the drawing and now
    return held.subscribe(() => redraw({}));
  }, [held]);
  return drawn;
}
