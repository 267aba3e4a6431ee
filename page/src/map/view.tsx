import type { VNode } from "preact";
import { Busy } from "../parts/small";

export function MapView(): VNode {
  return <Busy />;
}
