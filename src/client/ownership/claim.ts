import type { KubeObject } from "../../api/index.ts";
import { isReason, type Matcher } from "../../machinery/index.ts";
import type { ResourceClient } from "../resource.ts";
import { controllerOf, controllerRef } from "./owner-reference.ts";

export interface ClaimOptions<T extends KubeObject> {
  /** From the cache. */
  owner: KubeObject;
  apiVersion: string;
  kind: string;
  selector: Matcher;
  resource: ResourceClient<T>;
  candidates: readonly T[];
  /** Added to adopted objects and removed from released ones. */
  finalizer?: string;
  /** Reads the owner from the server: an owner adopts only while it exists and is not being deleted. */
  liveOwner(): Promise<KubeObject | undefined>;
}

/**
 * Determines by labels which objects belong to `owner`: keeps those it controls that match its selector, releases those that no
 * longer match, adopts matching objects without a controller. Returns the objects it owns now. Safe with a stale cache: each
 * change carries the object's UID, and adoption reads the live owner first.
 */
export async function claimObjects<T extends KubeObject>(options: ClaimOptions<T>): Promise<T[]> {
  const { owner, selector, resource } = options;
  const ownerUid = owner.metadata?.uid;
  const leaving = owner.metadata?.deletionTimestamp !== undefined;
  const mine: T[] = [];
  let mayAdopt: Promise<boolean> | undefined;

  for (const object of options.candidates) {
    const controller = controllerOf(object);
    const matches = selector.matches(object.metadata?.labels);
    if (controller) {
      if (controller.uid !== ownerUid) continue;
      if (matches) mine.push(object);
      else if (!leaving) await release(object);
      continue;
    }
    if (leaving || !matches || object.metadata?.deletionTimestamp !== undefined) continue;
    mayAdopt ??= live();
    if (await mayAdopt) {
      const adopted = await adopt(object);
      if (adopted) mine.push(adopted);
    }
  }
  return mine;

  async function live(): Promise<boolean> {
    const fresh = await options.liveOwner();
    return fresh?.metadata?.uid === ownerUid && fresh?.metadata?.deletionTimestamp === undefined;
  }

  async function adopt(object: T): Promise<T | undefined> {
    const { namespace, name = "", uid } = object.metadata ?? {};
    try {
      return await resource.patch(namespace, name, "strategic", {
        metadata: {
          uid,
          ownerReferences: [controllerRef(owner, options.apiVersion, options.kind)],
          ...(options.finalizer ? { finalizers: [options.finalizer] } : {}),
        },
      });
    } catch (error) {
      // Deleted, replaced, or adopted by another controller in the meantime.
      if (isReason(error, "NotFound") || isReason(error, "Conflict") || isReason(error, "Invalid")) {
        return undefined;
      }
      throw error;
    }
  }

  async function release(object: T): Promise<void> {
    const { namespace, name = "", uid } = object.metadata ?? {};
    try {
      await resource.patch(namespace, name, "strategic", {
        metadata: {
          uid,
          ownerReferences: [{ $patch: "delete", uid: ownerUid }],
          ...(options.finalizer ? { "$deleteFromPrimitiveList/finalizers": [options.finalizer] } : {}),
        },
      });
    } catch (error) {
      if (isReason(error, "NotFound") || isReason(error, "Conflict") || isReason(error, "Invalid")) return;
      throw error;
    }
  }
}
