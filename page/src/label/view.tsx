import type { VNode } from "preact";
import { Busy } from "../parts/small";

export function LabelView(): VNode {
  return <Busy />;
}
