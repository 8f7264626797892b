/**
 * Bundles what users start into dist/: one file per entry, shared code in chunks beside them, so that what a command
 * does not need is not even parsed. Everything lands flat in dist/, so `new URL("./x.js", import.meta.url)` holds.
 */
import { existsSync, globSync, rmSync, statSync } from "node:fs";
import { build } from "esbuild";

/** Bundle name in dist/ and the source it starts from. */
const entries: Record<string, string> = {
  wherry: "src/cli/main.ts",
  server: "src/cluster/entries/server.ts",
  network: "src/cluster/entries/network.ts",
  worker: "src/store/sqlite/worker.ts",
  "yaml-worker": "src/apiserver/codec/yaml-worker.ts",
};

export async function buildBundles(): Promise<void> {
  const { metafile } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path))),
    outdir: "dist",
    chunkNames: "chunk-[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    // Some dependencies are CommonJS and call require for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  removeOldChunks(new Set(Object.keys(metafile.outputs)));
}
/** Chunks of earlier builds go after a day: a cluster that still runs from them may yet load one. */
function removeOldChunks(current: ReadonlySet<string>): void {
  const dayMs = 24 * 60 * 60 * 1000;
  for (const chunk of globSync("dist/chunk-*.js")) {
    if (!current.has(chunk) && Date.now() - statSync(chunk).mtimeMs > dayMs) rmSync(chunk);
  }
}

if (import.meta.main) await buildBundles();
