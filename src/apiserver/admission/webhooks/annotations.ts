/** Audit annotations of webhooks. */
import { type JsonPatchOperation, withoutHtml } from "../../../machinery/index.ts";
import type { Called } from "./hooks.ts";

/** The patch as Go encodes it: sorted fields, HTML characters escaped. */
export function patchAnnotation(
  { hook, configuration }: Called,
  operations: readonly JsonPatchOperation[],
): string {
  const patch = operations.map((each) => Object.fromEntries(Object.entries(each).sort(byName)));
  const text = JSON.stringify({ configuration, webhook: hook.name, patch, patchType: "JSONPatch" });
  return withoutHtml(text);
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);
