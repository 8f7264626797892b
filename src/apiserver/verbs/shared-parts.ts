/**
 * Most updates leave spec or status unchanged. The new object then shares that part with the stored one, which saves copying,
 * defaulting, validating and encoding it: identical parts are known to be valid.
 */
import type { KubeObject, Parts } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { Call } from "../core.ts";

/** Other subresources change fields that they do not show. */
const sharing: ReadonlySet<string> = new Set(["", "status"]);

/**
 * The parts of a stored object that may be shared; undefined where none may. `bare`: the stored object without nulls; a part that
 * has nulls is not shared.
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

/** Replaces parts that equal the stored ones by these. */
export function shareParts(object: KubeObject, parts: Parts): void {
  const members = object as unknown as Record<string, unknown>;
  for (const name in parts) {
    const part = members[name];
    if (part !== parts[name] && deepEqual(part, parts[name])) members[name] = parts[name];
  }
}
