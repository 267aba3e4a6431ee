import type { VNode } from "preact";
import { Busy } from "../parts/small";

export function BView(): VNode {
  return <Busy />;
}
