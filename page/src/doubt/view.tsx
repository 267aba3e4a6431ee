import type { VNode } from "preact";
import { Busy } from "../parts/small";

export function DoubtView(): VNode {
  return <Busy />;
}
