// What is open beside a view: a concept, two of them, an item, or what a dropped picture is like.
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useCell } from "../cell";
import { Empty } from "../parts/small";
import { closeBeside, hrefOf, route } from "../routes";
import { map } from "../store";
import { dropped, DroppedPanel } from "./dropped";
import { ItemPanel } from "./item";
import { ConceptPanel } from "./panel";

export function Beside(): VNode | null {
  const { view, query } = useCell(route);
  const file = useCell(dropped);
  const { concept, item, compare } = query;
  if (file)
    return (
      <Aside label="Like the picture" close={() => dropped.set(null)} id={file.name}>
        <DroppedPanel of={file} />
      </Aside>
    );
  if (view === "concept" || view === "item") return null;
  if (item)
    return (
      <Aside label={`Item ${item}`} close={closeBeside} id={item}>
        <ItemPanel key={item} id={item} />
      </Aside>
    );
  if (!concept) return null;
  return (
    <Aside
      label="Concept"
      close={closeBeside}
      id={concept}
      wide={Boolean(compare)}
      full={hrefOf("concept", compare ? { compare } : {}, concept)}
    >
      <Pair concept={concept} compare={compare ?? ""} />
    </Aside>
  );
}

/** `#/concept/12`: a concept, or two, as a view. */
export function ConceptPage(): VNode {
  const { part, query } = useCell(route);
  return (
    <div class="page">
      <h1 class="unseen">Concept</h1>
      <Pair concept={part} compare={query["compare"] ?? ""} />
    </div>
  );
}

export function ItemPage(): VNode {
  const { part } = useCell(route);
  return (
    <div class="page">
      <h1 class="unseen">Item</h1>
      <ItemPanel key={part} id={part} />
    </div>
  );
}

function Pair({ concept, compare }: { concept: string; compare: string }): VNode {
  const known = useCell(map)?.names.length ?? 0;
  const numbers = [concept, compare].filter((one) => one !== "").map(Number);
  return (
    <div class={numbers.length > 1 ? "pair" : ""}>
      {numbers.map((number, place) =>
        Number.isInteger(number) && number >= 0 && number < known ? (
          <ConceptPanel key={number} number={number} second={place === 1} other={numbers[1 - place] ?? null} />
        ) : (
          <Empty key={`none ${place}`} title="No such concept">
            <p>This graph has the concepts 0 to {known - 1}.</p>
          </Empty>
        ),
      )}
    </div>
  );
}

function Aside({
  label,
  close,
  id,
  wide = false,
  full,
  children,
}: {
  label: string;
  close: () => void;
  id: string;
  wide?: boolean;
  full?: string;
  children: ComponentChildren;
}): VNode {
  const here = useRef<HTMLElement>(null);
  const from = useRef<Element | null>(null);
  useEffect(() => {
    from.current ??= document.activeElement;
    here.current?.focus({ preventScroll: true });
    here.current?.scrollTo(0, 0);
  }, [id]);
  useEffect(
    () => () => {
      const back = from.current instanceof HTMLElement && from.current !== document.body && from.current.isConnected;
      if (back) (from.current as HTMLElement).focus();
      else document.getElementById("main")?.focus({ preventScroll: true }); // what opened it is gone
    },
    [],
  );
  return (
    <aside
      ref={here}
      class={`beside${wide ? " wide" : ""}`}
      aria-label={label}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) {
          event.stopPropagation();
          close();
        }
      }}
    >
      <div class="beside-bar">
        {full && <a href={full}>Full width</a>}
        <button type="button" onClick={close}>
          Close <kbd>Esc</kbd>
        </button>
      </div>
      {children}
    </aside>
  );
}
