// Light or dark: the system's, until the person chooses.
import { cell } from "./cell";

const KEY = "kgkt-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Is the page dark now? The colours follow by data-theme on <html>. */
export const dark = cell(kept() ?? system.matches);

/** A colour of style.css as the theme has it now, for what is drawn on a canvas: inked("--ink"). */
export const inked = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function turn(): void {
  dark.set(!dark.value);
  keep(dark.value ? "dark" : "light");
}

function kept(): boolean | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === null ? null : value === "dark";
  } catch (error) {
    if (error instanceof DOMException) return null;  // a browser that keeps nothing for this page
    throw error;
  }
}

function keep(value: string): void {
  try {
    localStorage.setItem(KEY, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function show(): void {
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
}

show();
dark.subscribe(show);
system.addEventListener("change", (event) => { if (kept() === null) dark.set(event.matches); });
