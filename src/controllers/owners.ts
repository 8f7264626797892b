import type { KubeObject } from "../api/index.ts";
import {
  controllerOf,
  type Expectations,
  type Informer,
  isControlledBy,
  keyOf,
  type WorkQueue,
} from "../client/index.ts";
import type { Matcher } from "../machinery/index.ts";

/** The objects of one kind that own others by label selectors. */
export interface Owners<T extends KubeObject> {
  readonly kind: string;
  readonly informer: Informer<T>;
  selector(owner: T): Matcher;
}

/** The owner that controls an object, from the cache. */
export function ownerOf<T extends KubeObject>(
  { kind, informer }: Pick<Owners<T>, "kind" | "informer">,
  object: KubeObject,
): T | undefined {
  const reference = controllerOf(object);
  if (reference?.kind !== kind) return undefined;
  const owner = informer.get(`${object.metadata?.namespace}/${reference.name}`);
  return owner && isControlledBy(object, owner) ? owner : undefined;
}

/**
 * Queues the owners affected by a change: the object's controller, its previous one, and those that may adopt it while it has
 * none. `expected` is told of creations and deletions that the controller waits for.
 */
export function queueOwners<T extends KubeObject, Owned extends KubeObject>(
  owned: Informer<Owned>,
  owners: Owners<T>,
  queue: WorkQueue,
  expected?: Expectations,
): void {
  const { informer, selector } = owners;
  informer.addIndex("namespace", (owner) => [owner.metadata?.namespace ?? ""]);
  owned.onChange((type, object, old) => {
    const former = old && ownerOf(owners, old);
    if (former) queue.add(keyOf(former));
    const owner = ownerOf(owners, object);
    const { namespace = "", uid = "", labels, deletionTimestamp } = object.metadata ?? {};
    if (owner) {
      const key = keyOf(owner);
      if (type === "delete" || deletionTimestamp !== undefined) expected?.deleted(key, uid);
      else if (type === "add") expected?.created(key);
      queue.add(key);
    } else if (type !== "delete" && !controllerOf(object)) {
      for (const each of informer.byIndex("namespace", namespace)) {
        if (selector(each).matches(labels)) queue.add(keyOf(each));
      }
    }
  });
}
