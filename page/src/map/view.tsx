// The map of concepts: the canvas, its buttons and legend, what is chosen, and the same as a list.
import "./map.css";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { Busy, Empty } from "../parts/small";
import { route, tune } from "../routes";
import { source } from "../source";
import { highlight, map, state } from "../store";
import type { MapData } from "../types";
import { Bare } from "../parts/bare";
import { useKeys } from "../use";
import { concepts, count } from "../words";
import { ChosenBar } from "./bar";
import type { Board } from "./board";
import { MapCanvas } from "./canvas";
import { Legend } from "./legend";
import { ConceptList } from "./list";
import { THEMES_FROM } from "./places";
import { lasso, lines, only, useAddress } from "./seen";

const NEARER = 1.6;

export function MapView(): VNode {
  const data = useCell(map), now = useCell(state);
  const { query } = useCell(route);
  const [board, setBoard] = useState<Board | null>(null);
  const [legend, setLegend] = useState(() => innerWidth > 700);
  useAddress(data?.x.length ?? 0);
  const list = query["list"] === "1";
  const turnList = (): void => tune({ list: list ? "" : "1" }, true);
  useKeys((event) => { if (event.key !== "t") return false; turnList(); return true; });
  if (!data || !now) return <Busy words="The map is on its way" />;
  if (!data.x.length) return <Empty title="No concepts"><p>This graph has no concepts to draw.</p></Empty>;
  return (
    <>
      <h1 class="unseen">Map</h1>
      <div class="map-tools" role="toolbar" aria-label="Map">
        <Tools board={board} />
        <button type="button" aria-pressed={legend} onClick={() => setLegend(!legend)}>Legend</button>
        <button type="button" aria-pressed={list} title="t" onClick={turnList}>List</button>
        <Marked />
        <EdgeWords edges={data.edges} />
      </div>
      <Bare />
      <div class="map-place">
        <div class="map-stage">
          <MapCanvas ready={setBoard} />
          <ChosenBar />
        </div>
        {legend && <Legend data={data} now={now} />}
      </div>
      {list && <ConceptList data={data} now={now} />}
    </>
  );
}

// Nothing where no edge is drawn: beside a filter, of concepts that another view marked.
function EdgeWords({ edges: { kept, all, rule } }: { edges: MapData["edges"] }): VNode | null {
  const between = useCell(lines), kinds = useCell(only), marked = useCell(highlight);
  if (between === "none" || kinds.size > 0 || marked.length > 0) return null;
  const words = between === "themes" ? "Edges show as themes open"
    : kept === all ? `${count(all)} edges`
    : `${count(kept)} of ${count(all)} edges${source.offline ? "" : "; a chosen concept shows all of its own"}`;
  return <small class="map-rule" title={rule}>{words}</small>;
}

function Tools({ board }: { board: Board | null }): VNode {
  const inHand = useCell(lasso);
  const data = useCell(map);
  const many = (data?.x.length ?? 0) > THEMES_FROM;
  return (
    <>
      <button type="button" title="+" aria-label="Nearer" onClick={() => board?.zoom(NEARER)}>+</button>
      <button type="button" title="-" aria-label="Farther" onClick={() => board?.zoom(1 / NEARER)}>−</button>
      <button type="button" title="0" onClick={() => board?.all()}>{many ? "All themes" : "All"}</button>
      <button type="button" title="l" aria-pressed={inHand} onClick={() => lasso.set(!inHand)}>Lasso</button>
    </>
  );
}

function Marked(): VNode | null {
  const marked = useCell(highlight);
  if (!marked.length) return null;
  return <button type="button" onClick={() => highlight.set([])}>{concepts(marked.length)} marked: show all</button>;
}
