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
  useEffect(() => {
    const seen = held.value;
    const end = held.subscribe(() => redraw({}));
    if (!Object.is(seen, held.value)) redraw({});
    return end;
  }, [held]);
  return held.value;
}
