// Builds the page into kgkt/serve/page/: page.js, page.css, index.html, LICENSES.txt, and built.json, which says
// from which sources. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "kgkt", "serve", "page");
const settings = {
  absWorkingDir: here,
  entryPoints: { page: "src/main.tsx" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  logLevel: "info",
};

const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(here, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

// The packages that are in the page, by what esbuild read.
function packages(metafile) {
  const names = Object.keys(metafile.inputs)
    .map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1])
    .filter(Boolean);
  return [...new Set(names)].sort();
}

function licences(metafile) {
  const parts = packages(metafile).map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} ${version} brings no licence text`);
    return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return `The page of kgkt holds these packages.\n\n${parts.join("\n----\n\n")}`;
}

function finish(metafile) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "index.html"), readFileSync(join(here, "src", "index.html")));
  writeFileSync(join(out, "LICENSES.txt"), licences(metafile));
  const read = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json", ...sources(join(here, "src"))];
  const made = ["LICENSES.txt", "index.html", "page.css", "page.js"];
  const built = {
    sources: Object.fromEntries(read.map((path) => [path, sha(readFileSync(join(here, path)))])),
    built: Object.fromEntries(made.map((path) => [path, sha(readFileSync(join(out, path)))])),
  };
  writeFileSync(join(out, "built.json"), `${JSON.stringify(built, null, 1)}\n`);
}

if (process.argv.includes("--watch")) {
  const plugin = {
    name: "finish",
    setup: (build) => build.onEnd((result) => { if (!result.errors.length) finish(result.metafile); }),
  };
  await (await esbuild.context({ ...settings, plugins: [plugin] })).watch();
} else {
  finish((await esbuild.build(settings)).metafile);
}
