/** A write that changes nothing in the end leaves the times of the owners. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";

type OwnedFields = NonNullable<ObjectMeta["managedFields"]>[number];

const untimed = ({ time: _, ...entry }: OwnedFields): object => entry;

/**
 * What a client sent and the strategy took back (a field behind a closed gate, a status) was a change when owners were
 * made out. Where that was all, the owners are who they were before, at the same place in the list, and so are their
 * times. In place.
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
