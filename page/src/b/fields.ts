// Which field of the page an error of map or fuse means: its words name flags of the command line.
import { cell } from "../cell";

export const NAMES = {
  classes: "Classes of B, in order",
  data: "What B reads of the same items",
  output: "Output of B that is taught",
  pixels: "Pixels as B wants them",
  logits: "What B's outputs are",
  shift: "Go on though what is tested looks unlike the items of the graph",
  method: "How hidden layers get concepts",
  out: "Write the fused B to",
  test: "Test set (x, y), to see what it was worth",
} as const;

export type Field = keyof typeof NAMES;

const COLUMN = "This page takes no name of a column:";
const MEANT: readonly { flag: RegExp; field: Field; advice?: string }[] = [  // the first that fits is meant
  { flag: /--target-classes|\[target\] classes/, field: "classes" },
  { flag: /--target-data/, field: "data" },
  { flag: /--(target-)?pixels/, field: "pixels" },
  { flag: /--output\b/, field: "output" },
  { flag: /--from-logits/, field: "logits" },
  { flag: /--allow-shift/, field: "shift" },
  { flag: /--out\b/, field: "out" },
  { flag: /--class-column/, field: "test", advice: `${COLUMN} call the one of the classes y, class or label in the file.` },
  { flag: /--(text|id)-column/, field: "test", advice: `${COLUMN} name it in kgkt.toml.` },
  { flag: /--test\b/, field: "test" },
  { flag: /--method communities/, field: "method" },
];

/** The field that an error means, and what to do where that is not to be filled in; null where it means none. */
export function meantBy(message: string): { field: Field; advice?: string } | null {
  return MEANT.find(({ flag }) => flag.test(message)) ?? null;
}

/** The field that is to be shown, and get the focus. */
export const wanted = cell<Field | null>(null);
