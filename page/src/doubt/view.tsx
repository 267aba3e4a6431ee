// What the graph doubts: labels that look wrong, and borders between two classes. What was done here can be undone here.
import type { VNode } from "preact";
import { useCell } from "../cell";
import { hrefOf, route } from "../routes";
import { Borders } from "./borders";
import { Suspects } from "./suspects";
import { Edits } from "./edits";

const PARTS = { suspects: "Suspects", borders: "Borders", edits: "Edits" } as const;
type Part = keyof typeof PARTS;

export function DoubtView(): VNode {
  const { query } = useCell(route);
  const part: Part = query["part"] === "borders" || query["part"] === "edits" ? query["part"] : "suspects";
  return (
    <div class="doubt">
      <h1 class="unseen">Doubt</h1>
      <nav class="parts" aria-label="What is doubted">
        {(Object.keys(PARTS) as Part[]).map((one) => (
          <a
            key={one}
            href={hrefOf("doubt", one === "suspects" ? {} : { part: one })}
            aria-current={one === part ? "page" : undefined}
          >
            {PARTS[one]}
          </a>
        ))}
      </nav>
      {part === "suspects" ? <Suspects /> : part === "borders" ? <Borders /> : <Edits />}
    </div>
  );
}
