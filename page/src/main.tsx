// The page: what stands on every view, and the view that the address names.
import "./style.css";
import { render, type VNode } from "preact";
import { AskView } from "./ask/view";
import { BView } from "./b/view";
import { useCell } from "./cell";
import { Beside, ConceptPage, ItemPage } from "./concept/beside";
import { catchDrops } from "./concept/dropped";
import { DoubtView } from "./doubt/view";
import { Header, Line, Lost, Notices } from "./frame";
import { LabelView } from "./label/view";
import { MapView } from "./map/view";
import { Busy, Empty } from "./parts/small";
import { route } from "./routes";
import { begin, keepUp, map, overview, session, state, trouble } from "./store";
import "./theme";

function View(): VNode {
  const { view } = useCell(route);
  switch (view) {
    case "label": return <LabelView />;
    case "map": return <MapView />;
    case "doubt": return <DoubtView />;
    case "b": return <BView />;
    case "ask": return <AskView />;
    case "concept": return <ConceptPage />;
    case "item": return <ItemPage />;
  }
}

function Page(): VNode {
  useCell(session); // what may be done here is asked all over the page
  const known = [useCell(state), useCell(map), useCell(overview)];
  const ready = known.every((one) => one !== null);
  const wrong = useCell(trouble);
  const { view } = useCell(route);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>To the view</button>
      <Header />
      <Lost />
      <Line />
      <div class="body">
        <main id="main" tabIndex={-1} class={`view view-${view}`}>
          {wrong ? <Empty title="Nothing to show"><p role="alert">{wrong.message}</p></Empty> : ready ? <View /> : <Busy />}
        </main>
        {ready && !wrong && <Beside />}
      </div>
      <Notices />
    </>
  );
}

render(<Page />, document.getElementById("page")!);
void begin();
keepUp();
catchDrops();

// Enter that is held presses a button, or sends a form, once.
addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter" && !(event.target instanceof HTMLTextAreaElement)) event.preventDefault();
}, { capture: true });
