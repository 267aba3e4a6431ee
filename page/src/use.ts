// Hooks that views share.
import { useEffect, useState } from "preact/hooks";
import { useCell } from "./cell";
import { Problem, source } from "./source";
import { state } from "./store";

export interface Asked<T> { value: T | null; problem: Problem | null; waiting: boolean }

/** What stands at an address; asked again when the address or `again` changes. The old value stays until the new one is here. */
export function useGet<T>(path: string | null, again: unknown = 0): Asked<T> {
  const [asked, set] = useState<Asked<T> & { path: string | null }>({ value: null, problem: null, waiting: true, path });
  useEffect(() => {
    if (path === null) { set({ value: null, problem: null, waiting: false, path }); return undefined; }
    const stop = new AbortController();
    set((old) => ({ ...old, value: old.path === path ? old.value : null, waiting: true, path }));
    source.get<T>(path, stop.signal).then(
      (value) => { if (!stop.signal.aborted) set({ value, problem: null, waiting: false, path }); },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem("fault", String(error));
        set((old) => ({ ...old, problem, waiting: false }));
      },
    );
    return () => stop.abort();
  }, [path, again]);
  return asked.path === path ? asked : { value: null, problem: null, waiting: path !== null };
}

/** Counts up when the graph changes, for useGet. */
export function useRevision(): string {
  const now = useCell(state);
  return `${now?.revision}/${now?.layout}/${now?.answer}`;
}

/** Keys pressed anywhere but in a field; return true where the key was used. */
export function useKeys(fn: (event: KeyboardEvent) => boolean): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isField(event.target)) return;
      if (fn(event)) event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}

export function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest("dialog") !== null);
}

/** For `ref`: gives a field the focus when it appears. */
export const focusNow = (field: HTMLElement | null): void => { field?.focus(); };
