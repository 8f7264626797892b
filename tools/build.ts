/**
 * Bundles what users start into dist/: one file per entry, shared code in chunks beside them, so that what a command
 * does not need is not even parsed. Everything lands flat in dist/, so `new URL("./x.js", import.meta.url)` holds.
 */
import { existsSync } from "node:fs";
import { build } from "esbuild";

/** Bundle name in dist/ and the source it starts from. */
const entries: Record<string, string> = {
  wherry: "src/cli/main.ts",
  server: "src/cluster/entries/server.ts",
  network: "src/cluster/entries/network.ts",
  worker: "src/store/sqlite/worker.ts",
};

export async function buildBundles(): Promise<void> {
  await build({
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
    // Some dependencies are CommonJS and call require for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

if (import.meta.main) await buildBundles();
