/** Keeps the times of owners when a write changes nothing. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";

type OwnedFields = NonNullable<ObjectMeta["managedFields"]>[number];

const untimed = ({ time: _, ...entry }: OwnedFields): object => entry;

/**
 * Fields that the strategy resets (behind a disabled gate, or a status) count as changes when owners are determined. If these
 * were the only changes, restores the former entries, with their order and times. In place.
 */
export function keepTimes(object: KubeObject, old: KubeObject): void {
  const mine = object.metadata?.managedFields;
  const theirs = old.metadata?.managedFields;
  if (!object.metadata || !mine || !theirs || mine === theirs || mine.length !== theirs.length) return;
  if (mine.every((entry, i) => entry.time === theirs[i]?.time)) return;
  if (!mine.every((entry, i) => deepEqual(untimed(entry), untimed(theirs[i] as OwnedFields)))) return;
  const rest = ({ metadata, ...others }: KubeObject): object => {
    const { managedFields: _owners, resourceVersion: _version, ...meta } = metadata ?? {};
    return { ...others, metadata: meta };
  };
  if (deepEqual(rest(object), rest(old))) object.metadata.managedFields = theirs;
}
