// Where the page's data come from: the service over HTTP, or the object in a file that was exported.
// No other module fetches anything.
import { FileSource } from "./source/file";
import { HttpSource } from "./source/http";
import type { Source } from "./source/protocol";

export * from "./source/protocol";

const held = document.getElementById("kgkt-data");

export const source: Source = held ? new FileSource(held.textContent ?? "{}") : new HttpSource();
