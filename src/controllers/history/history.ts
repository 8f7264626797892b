import type { ControllerRevision } from "../../api/index.ts";
import { claimObjects, controllerOf, type Informer } from "../../client/index.ts";
import { deepEqual, isReason, selectorFromObject } from "../../machinery/index.ts";
import type { ControllerContext } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { type Owner, planRevision, surplusRevisions } from "./plan.ts";

export type Revisions = Informer<ControllerRevision>;

const indexName = "history";
const orphans = (namespace: string | undefined): string => `orphans/${namespace}`;

export function revisionsOf(context: ControllerContext): Revisions {
  const revisions = context.informers.of(
    context.client.resource<ControllerRevision>("apps", "v1", "controllerrevisions"),
  );
  revisions.addIndex(indexName, (each) => [controllerOf(each)?.uid ?? orphans(each.metadata?.namespace)]);
  return revisions;
}

/**
 * The owner's revisions including the current one: the stored ones and the newest. On a hash collision with another object's
 * revision, `countCollision` writes the collision count into the owner's status, and this throws for a retry.
 */
export async function syncRevisions(
  context: ControllerContext,
  revisions: Revisions,
  owner: Owner & { object: { spec?: { selector?: Parameters<typeof selectorFromObject>[0] } } },
  liveOwner: () => Promise<Owner["object"] | undefined>,
  countCollision: (collisionCount: number) => Promise<unknown>,
): Promise<{ update: ControllerRevision; all: ControllerRevision[] }> {
  const resource = context.client.resource<ControllerRevision>("apps", "v1", "controllerrevisions");
  const { namespace, uid = "" } = owner.object.metadata ?? {};
  const known = await claimObjects<ControllerRevision>({
    owner: owner.object,
    apiVersion: "apps/v1",
    kind: owner.kind,
    selector: selectorFromObject(owner.object.spec?.selector),
    resource,
    candidates: [...revisions.byIndex(indexName, uid), ...revisions.byIndex(indexName, orphans(namespace))],
    liveOwner,
  });
  const plan = planRevision(owner, known);
  if (plan.bump) {
    const update = await resource.update(namespace, plan.update);
    return {
      update,
      all: known.map((each) => (each.metadata?.uid === update.metadata?.uid ? update : each)),
    };
  }
  if (!plan.create) return { update: plan.update, all: known };
  try {
    const update = await resource.create(namespace, plan.update);
    return { update, all: [...known, update] };
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    const there = await resource.get(namespace, plan.update.metadata?.name ?? "");
    const ours = controllerOf(there)?.uid === uid && deepEqual(there.data, plan.update.data);
    if (ours) return { update: there, all: [...known, there] };
    await countCollision((owner.collisionCount ?? 0) + 1);
    throw error;
  }
}

export async function trimRevisions(
  context: ControllerContext,
  all: readonly ControllerRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): Promise<void> {
  const resource = context.client.resource<ControllerRevision>("apps", "v1", "controllerrevisions");
  for (const revision of surplusRevisions(all, inUse, limit)) {
    const { namespace, name = "", uid } = revision.metadata ?? {};
    await ignoreMissing(resource.delete(namespace, name, { preconditions: { uid } }));
  }
}
