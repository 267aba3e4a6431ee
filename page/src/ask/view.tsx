import type { VNode } from "preact";
import { Busy } from "../parts/small";

export function AskView(): VNode {
  return <Busy />;
}
