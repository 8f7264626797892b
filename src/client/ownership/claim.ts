import type { KubeObject } from "../../api/index.ts";
import { isReason, type Matcher } from "../../machinery/index.ts";
import type { ResourceClient } from "../resource.ts";
import { controllerOf, controllerRef } from "./owner-reference.ts";

export interface ClaimOptions<T extends KubeObject> {
  /** As the cache shows it. */
  owner: KubeObject;
  apiVersion: string;
  kind: string;
  selector: Matcher;
  resource: ResourceClient<T>;
  candidates: readonly T[];
  /** Put onto what is adopted and taken off what is released. */
  finalizer?: string;
  /** The owner as the server has it now: an orphan is adopted only for an owner that is still there and stays. */
  liveOwner(): Promise<KubeObject | undefined>;
}

/**
 * Decides by labels what belongs to `owner`: keeps what it controls and its selector matches, releases what no longer
 * matches, adopts matching objects without a controller. Answers what is its own now. Safe with a stale cache: every
 * change carries the object's UID, adoption looks at the live owner first.
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
      // Gone, another object of that name by now, or it got a controller meanwhile: none of ours.
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
