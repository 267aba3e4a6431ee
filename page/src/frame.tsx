// What stands around every view: header, the line of the State, word of a lost server, notices.
import type { VNode } from "preact";
import { undo } from "./actions";
import { useCell } from "./cell";
import { hrefOf, route, VIEWS, type View } from "./routes";
import { WriteButton } from "./parts/small";
import { Search } from "./search";
import { source } from "./source";
import { chooseGraph, connected, dismiss, expired, graph, notices, session, state } from "./store";
import { dark, turn } from "./theme";

const TABS: Record<View, string> = { label: "Label", map: "Map", doubt: "Doubt", b: "B", ask: "Ask" };

export function Header(): VNode {
  const { view } = useCell(route);
  const isDark = useCell(dark);
  return (
    <header class="header">
      <div class="brand"><strong>kgkt</strong> <Graphs /></div>
      <nav class="tabs" aria-label="Views">
        {VIEWS.map((one) => (
          <a key={one} href={hrefOf(one)} aria-current={one === view ? "page" : undefined}>{TABS[one]}</a>
        ))}
      </nav>
      <Search />
      <button type="button" class="theme" onClick={turn} aria-pressed={isDark} title="Light or dark">
        {isDark ? "Light" : "Dark"}
      </button>
    </header>
  );
}

function Graphs(): VNode | null {
  const told = useCell(session);
  const name = useCell(graph);
  if (!told) return null;
  if (told.graphs.length < 2) return <span class="graph-name">{name}</span>;
  return (
    <select aria-label="Graph" value={name} onChange={(event) => chooseGraph(event.currentTarget.value)}>
      {told.graphs.map((one) => <option key={one} value={one}>{one}</option>)}
    </select>
  );
}

export function Line(): VNode {
  const now = useCell(state);
  const told = useCell(session);
  return (
    <div class="line" role="status">
      <span>{now?.line ?? ""}</span>
      {now?.working && <span class="quiet">the items' answer is being worked out</span>}
      {told && !told.write && <span class="tag">{source.offline ? "a file, read-only" : "read-only"}</span>}
    </div>
  );
}

export function Lost(): VNode | null {
  const there = useCell(connected);
  const over = useCell(expired);
  if (there) return null;
  return (
    <p class="lost" role="alert">
      {over ? "This link is no longer valid: open the one that kgkt serve printed last. Nothing is saved from here."
        : "Not connected: the server does not answer, and nothing is saved. The page tries again by itself."}
    </p>
  );
}

export function Notices(): VNode {
  const all = useCell(notices);
  return (
    <div class="notices" role="log" aria-label="Notices" aria-live="polite">
      {all.map(({ id, words, bad, undo: edit }) => (
        <div key={id} class={`notice${bad ? " bad" : ""}`}>
          <span>{words}</span>
          {edit !== null && <WriteButton onClick={() => { dismiss(id); void undo(edit); }}>Undo</WriteButton>}
          <button type="button" class="close" aria-label="Close this notice" onClick={() => dismiss(id)}>×</button>
        </div>
      ))}
    </div>
  );
}
