// The search box: concepts, classes and items by name, items by a picture.
import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useCell } from "./cell";
import { take } from "./concept/dropped";
import { ClassName } from "./parts/classes";
import { Picture } from "./parts/picture";
import { go, openConcept, openItem } from "./routes";
import { source } from "./source";
import { at, complain, highlight, overview, state } from "./store";
import type { Found } from "./types";
import { useKeys } from "./use";

const WAIT = 120; // ms after the last letter
const LONGEST = 500; // characters that are looked for, of a text that was pasted

type Hit =
  | { kind: "concept"; number: number; name: string }
  | { kind: "class"; name: string }
  | { kind: "item"; item: Found["items"][number] };

const hits = (found: Found): Hit[] => [
  ...found.classes.map((name): Hit => ({ kind: "class", name })),
  ...found.concepts.map((one): Hit => ({ kind: "concept", ...one })),
  ...found.items.map((item): Hit => ({ kind: "item", item })),
];

export function Search(): VNode {
  const [text, setText] = useState("");
  const found = useFound(text);
  const [place, setPlace] = useState(-1);
  const [open, setOpen] = useState(false);
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const list = found ? hits(found) : [];
  const shown = open && text.trim() !== "" && found !== null;
  useEffect(() => setPlace(-1), [found]);
  useKeys((event) => {
    if (event.key !== "/") return false;
    field.current?.focus();
    return true;
  });
  const pick = (hit: Hit | undefined): void => {
    if (!hit) return;
    setOpen(false);
    setText("");
    field.current?.blur();
    follow(hit);
  };
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && list.length) {
      setPlace((place + step + list.length) % list.length);
      setOpen(true);
    } else if (event.key === "Enter") pick(list[Math.max(0, place)]);
    else if (event.key === "Escape") {
      setOpen(false);
      if (!shown) field.current?.blur();
    } else return;
    event.preventDefault();
  };
  return (
    <div
      class="search"
      role="search"
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false);
      }}
    >
      <div class="search-box">
        <input
          ref={field}
          type="text"
          role="combobox"
          aria-label="Search concepts, classes and items"
          placeholder="Search   /"
          value={text}
          aria-expanded={shown}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          autoComplete="off"
          aria-activedescendant={shown && place >= 0 ? `${id}-${place}` : undefined}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onKeyDown={press}
        />
        <ul id={`${id}-list`} role="listbox" aria-label="Found" hidden={!shown}>
          {shown &&
            list.map((hit, index) => (
              <li
                key={keyOf(hit)}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === place}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => pick(hit)}
              >
                <Line of={hit} />
              </li>
            ))}
          {shown && list.length === 0 && (
            <li role="option" aria-selected="false" aria-disabled="true" class="quiet">
              {source.offline ? "Nothing is called that here: this file holds the concepts and their examples, not every item." : "Nothing is called that."}
            </li>
          )}
        </ul>
      </div>
      <ByPicture />
    </div>
  );
}

function useFound(text: string): Found | null {
  const [found, set] = useState<Found | null>(null);
  const q = [...text.trim()].slice(0, LONGEST).join("").trim(); // by whole characters
  useEffect(() => {
    if (q === "") {
      set(null);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      source.get<Found>(at("search", { q }), stop.signal).then(set, (error: unknown) => {
        if (!stop.signal.aborted) complain(error);
      });
    }, WAIT);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);
  return found;
}

const keyOf = (hit: Hit): string =>
  hit.kind === "concept" ? `concept ${hit.number}` : hit.kind === "class" ? `class ${hit.name}` : `item ${hit.item.item}`;

function Line({ of }: { of: Hit }): VNode {
  if (of.kind === "class")
    return (
      <>
        <ClassName name={of.name} /> <small>class</small>
      </>
    );
  if (of.kind === "concept")
    return (
      <>
        <span>{of.name}</span> <small>concept {of.number}</small>
      </>
    );
  return (
    <>
      {of.item.picture && <Picture of={of.item} side={28} />}
      <span class="found-item">{of.item.text ?? of.item.item}</span>{" "}
      <small>item{of.item.text ? ` ${of.item.item}` : ""}</small>
    </>
  );
}

function follow(hit: Hit): void {
  if (hit.kind === "concept") openConcept(hit.number);
  else if (hit.kind === "item") openItem(hit.item.item);
  else {
    const index = state.value?.classes.indexOf(hit.name) ?? -1;
    highlight.set((state.value?.best ?? []).flatMap((best, number) => (best === index ? [number] : [])));
    go("map", { colour: "class" });
  }
}

function ByPicture(): VNode | null {
  const about = useCell(overview);
  const field = useRef<HTMLInputElement>(null);
  if (!about?.pictures || source.offline) return null;
  return (
    <>
      <button
        type="button"
        title="Items like a picture of yours; it can also be dropped anywhere on the page"
        onClick={() => field.current?.click()}
      >
        Picture …
      </button>
      <input
        ref={field}
        type="file"
        accept="image/*"
        hidden
        aria-label="A picture to look for"
        onChange={(event) => {
          take(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
