import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * File of a child process's entry: below src/cluster/entries while running from source, beside the caller's bundle in
 * dist/ otherwise.
 */
export function entryPath(name: "server" | "network", importMetaUrl: string): string {
  const caller = fileURLToPath(importMetaUrl);
  return extname(caller) === ".ts"
    ? join(import.meta.dirname, "..", "entries", `${name}.ts`)
    : join(dirname(caller), `${name}.js`);
}
