// Questions in Cypher: the shipped ones, or one's own; rows as a table, concepts marked on the map.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { Busy, Empty, Trouble } from "../parts/small";
import { go, route, tune } from "../routes";
import { Problem, source } from "../source";
import { at, complain, highlight, map, state } from "../store";
import type { Rows, Shipped, Value } from "../types";
import { useGet } from "../use";
import { concepts, count } from "../words";
import { Answer } from "./answer";
import { hintOf, listOf } from "./hints";
import { type Given, defaultsOf, paramsIn, paramsOf, valueOf } from "./params";
import { Recent, remember } from "./recent";

const FIRST = "MATCH (c:Concept {graph: $graph})\nRETURN c.name AS concept, c.size AS items\nORDER BY items DESC LIMIT 20";

const MOST = 1000; // names of concepts that a field offers

type Outcome =
  { state: "none" } | { state: "waiting" } | { state: "wrong"; problem: Problem } | { state: "rows"; rows: Rows; asked: string };

export function AskView(): VNode {
  if (!source.offline) return <Asking />;
  return (
    <Empty title="A file to look at">
      <p>
        Open the graph with <code>kgkt serve</code> to ask it in Cypher.
      </p>
    </Empty>
  );
}

function Asking(): VNode {
  const { query } = useCell(route);
  const q = query["q"] ?? "";
  const [text, setText] = useState(q || FIRST);
  const [given, setGiven] = useState<Given>(() => paramsOf(query["p"]));
  const [outcome, set] = useState<Outcome>({ state: "none" });
  const [empty, setEmpty] = useState(false);
  const stop = useRef<AbortController | null>(null);
  const { value: told } = useGet<Shipped[]>("/api/queries");
  const shipped = told?.find((one) => one.name === text.trim());
  const names = (asked: string): string[] => paramsIn(asked, told ?? []);

  const ask = async (asked: string, params: Given): Promise<void> => {
    stop.current?.abort();
    const mine = (stop.current = new AbortController());
    set({ state: "waiting" });
    try {
      const given = Object.entries(params).filter(([, held]) => held !== "");
      const sent: Record<string, Value> = Object.fromEntries(given.map(([key, held]) => [key, valueOf(held)]));
      const rows = await source.post<Rows>(at("query"), { text: asked, params: sent });
      if (mine.signal.aborted) return;
      set({ state: "rows", rows, asked });
      remember(asked, params);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error instanceof Problem) set({ state: "wrong", problem: error });
      else {
        set({ state: "none" });
        complain(error);
      }
    }
  };
  // The address says what is asked, so that Back and a link ask again.
  useEffect(() => {
    if (!q) return;
    const params = paramsOf(query["p"]);
    setText(q);
    setGiven(params);
    void ask(q, params);
  }, [q, query["p"]]);
  const run = (asked = text, params = given): void => {
    setEmpty(!asked.trim());
    if (!asked.trim()) return;
    const used = Object.fromEntries(
      names(asked)
        .filter((key) => params[key])
        .map((key) => [key, params[key]!]),
    );
    const p = Object.keys(used).length ? JSON.stringify(used) : "";
    if (asked === q && p === (query["p"] ?? "")) void ask(asked, used);
    else tune({ q: asked, p }, true);
  };
  const choose = (one: Shipped): void => {
    stop.current?.abort();
    if (one.name !== q) set({ state: "none" }); // what stood below answered another question
    setEmpty(false);
    setText(one.name);
    setGiven(defaultsOf(one));
  };
  return (
    <div class="ask">
      <h1 class="unseen">Ask</h1>
      <div class="ask-side">
        <ShippedList of={told ?? []} chosen={text.trim()} choose={choose} />
        <Recent again={run} />
      </div>
      <form
        class="ask-box"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        {shipped && <p class="quiet">{shipped.doc}</p>}
        <label for="ask-text">A question in Cypher</label>
        <textarea
          id="ask-text"
          class="code"
          rows={Math.min(16, Math.max(4, text.split("\n").length + 1))}
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setEmpty(false);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              run();
            }
          }}
        />
        <Params
          names={names(text)}
          of={shipped}
          defaults={shipped ? defaultsOf(shipped) : {}}
          given={given}
          set={(key, held) => setGiven({ ...given, [key]: held })}
        />
        <div class="does">
          <button type="submit" class="main">
            Ask <kbd>Ctrl</kbd> <kbd>Enter</kbd>
          </button>
          <small>
            It only reads. <code>$graph</code> is the open graph.
          </small>
        </div>
        <div class="answer" aria-live="polite">
          {empty && (
            <p class="trouble" role="alert">
              There is no question yet: type one, or choose a shipped one
              {outcome.state === "rows" ? ". What stands below is the answer to the last" : ""}.
            </p>
          )}
          {outcome.state === "waiting" && <Busy words="Asking" />}
          {outcome.state === "wrong" && <Trouble problem={outcome.problem} />}
          {outcome.state === "rows" && (
            <>
              {text.trim() !== outcome.asked.trim() && (
                <p class="before">
                  The answer to the question before: <code>{outcome.asked}</code>
                </p>
              )}
              <Facts of={outcome.rows} />
              <Answer key={`${q} ${query["p"]}`} of={outcome.rows} />
            </>
          )}
        </div>
      </form>
    </div>
  );
}

function Facts({ of }: { of: Rows }): VNode {
  return (
    <div class="does">
      <span>
        {count(of.rows.length)} {of.rows.length === 1 ? "row" : "rows"}
        {of.truncated && ", cut off there"}, {of.seconds.toFixed(2)} s
      </span>
      {of.concepts.length > 0 && (
        <button
          type="button"
          onClick={() => {
            highlight.set(of.concepts);
            go("map");
          }}
        >
          Show {concepts(of.concepts.length)} on the map
        </button>
      )}
      {of.notices.map((words) => (
        <p key={words} class="quiet">
          {words}
        </p>
      ))}
    </div>
  );
}

function ShippedList({ of, chosen, choose }: { of: Shipped[]; chosen: string; choose: (one: Shipped) => void }): VNode {
  return (
    <details class="shipped" open={matchMedia("(min-width: 900px)").matches}>
      <summary>Shipped questions</summary>
      <ul>
        {of.map((one) => (
          <li key={one.name}>
            <button type="button" aria-pressed={one.name === chosen} onClick={() => choose(one)}>
              {one.name} <small>{one.doc}</small>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

interface ParamsOf {
  names: string[];
  of: Shipped | undefined;
  defaults: Given;
  given: Given;
  set: (key: string, value: string) => void;
}

function Params({ names, of, defaults, given, set }: ParamsOf): VNode | null {
  const classes = useCell(state)?.classes ?? [];
  const where = useCell(map);
  if (names.length === 0) return null;
  return (
    <div class="params">
      <datalist id="ask-class">
        {classes.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <datalist id="ask-concept">
        {(where?.names ?? []).slice(0, MOST).map((one, number) => (
          <option key={number} value={one} />
        ))}
      </datalist>
      {names.map((name) => (
        <label key={name}>
          <span>
            {name}
            {hintOf(name, of) && `: ${hintOf(name, of)}`}
          </span>
          <input
            value={given[name] ?? ""}
            list={of && listOf(name, of) ? `ask-${listOf(name, of)}` : undefined}
            placeholder={defaults[name] || (of && of.params[name] === null ? "must be given" : "")}
            onInput={(event) => set(name, event.currentTarget.value)}
          />
        </label>
      ))}
    </div>
  );
}
