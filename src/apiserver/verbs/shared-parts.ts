/**
 * Most changes leave spec or status as they were. Such a part is not copied, looked at and written out once more: the new object
 * shares it with the stored one, and who finds the same part knows that it is in order.
 */
import type { KubeObject, Parts } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { Call } from "../core.ts";

/** Other subresources change what they do not show. */
const sharing: ReadonlySet<string> = new Set(["", "status"]);

/**
 * The parts that may be shared with a stored object; undefined where none may. `bare`: it without what is written as null: a part
 * that has such is taken apart while it is looked at.
 */
export function partsToShare(
  { resource: { def }, info }: Call,
  old: KubeObject,
  bare: KubeObject,
): Parts | undefined {
  if (!def.sharesParts || !sharing.has(info.subresource)) return undefined;
  const [from, without] = [old, bare] as unknown as Parts[];
  const parts: Record<string, unknown> = {};
  for (const name of ["spec", "status"]) {
    const part = from?.[name];
    if (typeof part === "object" && part !== null && part === without?.[name]) parts[name] = part;
  }
  return parts;
}

/** Puts the stored part where an equal one is. */
export function shareParts(object: KubeObject, parts: Parts): void {
  const members = object as unknown as Record<string, unknown>;
  for (const name in parts) {
    const part = members[name];
    if (part !== parts[name] && deepEqual(part, parts[name])) members[name] = parts[name];
  }
}
