import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A compiled helper: beside the bundle, or in dist/ while running from source. */
export function helperPath(
  name: "wherry-native" | "wherry-nodes",
  importMetaUrl: string = import.meta.url,
): string {
  const caller = fileURLToPath(importMetaUrl);
  return extname(caller) === ".ts"
    ? join(import.meta.dirname, "..", "..", "..", "dist", name)
    : join(dirname(caller), name);
}
