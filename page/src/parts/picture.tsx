// An item as people see it: its picture, sharp when it is small; else its text; else its id.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { source, type Shot } from "../source";
import { graph } from "../store";

export interface Seen { item: string; picture: boolean; text: string | null }

const SHARP = 96;  // a picture smaller than this is scaled in whole pixels

/** `side`: pixels on the screen; `named` false where the id stands beside it; `shown` is called once a picture of its own
 *  is there, or will not come. */
export function Picture({ of, side, named = true, shown }: {
  of: Seen; side: number; named?: boolean; shown?: () => void;
}): VNode {
  const name = useCell(graph);
  const [lost, setLost] = useState<string | null>(null);
  const shot = of.picture ? source.picture(name, of.item, Math.min(512, Math.max(64, 2 * side))) : null;
  if (shot && lost !== of.item) {
    return shot.cell === undefined
      ? <Whole shot={shot} of={of} side={side} shown={shown}
        failed={() => { setLost(of.item); shown?.(); }} />
      : <Cut shot={shot} of={of} side={side} />;
  }
  if (of.text) return <div class="picture text" title={of.text}>{of.text}</div>;
  return <div class="picture bare">{named ? of.item : ""}</div>;
}

function Whole({ shot, of, side, shown, failed }: {
  shot: Shot; of: Seen; side: number; shown: (() => void) | undefined; failed: () => void;
}): VNode {
  const [sharp, setSharp] = useState(false);
  return (
    <img class={`picture${sharp ? " sharp" : ""}`} src={shot.url} alt={of.text ?? of.item} title={of.item}
      width={side} height={side} loading={side > 200 ? "eager" : "lazy"} decoding={shown ? "sync" : "async"} draggable={false}
      onLoad={(event) => { setSharp((event.currentTarget as HTMLImageElement).naturalWidth < SHARP); shown?.(); }} onError={failed} />
  );
}

const sheets = new Map<string, Promise<HTMLImageElement>>();

function sheetOf(url: string): Promise<HTMLImageElement> {
  const held = sheets.get(url);
  if (held) return held;
  const image = new Image();
  image.src = url;
  const ready = image.decode().then(() => image);
  sheets.set(url, ready);
  return ready;
}

// A cell of a sheet, drawn at its own size and scaled by the browser.
function Cut({ shot, of, side }: { shot: Shot; of: Seen; side: number }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { url, cell = 0, columns = 1, side: part = 1 } = shot;
  useEffect(() => {
    let here = true;
    void sheetOf(url).then((image) => {
      const pen = canvas.current?.getContext("2d");
      if (!here || !pen) return;
      pen.clearRect(0, 0, part, part);
      pen.drawImage(image, (cell % columns) * part, Math.floor(cell / columns) * part, part, part, 0, 0, part, part);
    });
    return () => { here = false; };
  }, [url, cell]);
  return <canvas ref={canvas} class="picture sharp" width={part} height={part} role="img" aria-label={of.text ?? of.item}
    title={of.item} style={{ width: `${side}px`, height: `${side}px` }} />;
}
