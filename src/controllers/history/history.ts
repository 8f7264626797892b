import type { ControllerRevision } from "../../api/index.ts";
import { claimObjects, controllerOf, type Informer } from "../../client/index.ts";
import { deepEqual, isReason, selectorFromObject } from "../../machinery/index.ts";
import type { ControllerContext } from "../context.ts";
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

/** A hash that another object's revision took: the owner counts one collision more and looks again. */
export class RevisionCollision extends Error {
  override readonly name = "RevisionCollision";
}

/** The owner's revisions with its current one among them, stored and newest. Throws RevisionCollision. */
export async function syncRevisions(
  context: ControllerContext,
  revisions: Revisions,
  owner: Owner & { object: { spec?: { selector?: Parameters<typeof selectorFromObject>[0] } } },
  liveOwner: () => Promise<Owner["object"] | undefined>,
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
    throw new RevisionCollision(there.metadata?.name);
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
    try {
      await resource.delete(namespace, name, { preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }
}
