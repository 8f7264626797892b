import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
} from "../../api/index.ts";
import { controllerOf, controllerRef } from "../../client/index.ts";
import { deepClone, deepEqual, podTemplateHash } from "../../machinery/index.ts";
import { isFinished } from "../pods/state.ts";
import { isRolling, newSetSize, replicasOf, rollingBounds } from "./bounds.ts";
import {
  conditionOf,
  deadlineMs,
  isComplete,
  pauseCondition,
  progress,
  withCondition,
} from "./conditions.ts";
import { maxRevision, newSetAnnotations, revisionOf, withReplicaAnnotations } from "./revision.ts";
import {
  activeSets,
  byAge,
  rollingSizes,
  scaledSizes,
  type Sizes,
  surplusHistory,
  wasScaled,
} from "./sizes.ts";
import { countStatus } from "./status.ts";

export const hashLabel = "pod-template-hash";

/** The next actions. Each change triggers another reconciliation. */
export interface DeploymentPlan {
  create: ReplicaSet | undefined;
  /** Sets to update: annotations, size or minReadySeconds. */
  update: readonly { from: ReplicaSet; to: ReplicaSet }[];
  remove: readonly ReplicaSet[];
  /** For the Deployment's annotation. */
  revision: bigint;
  status: DeploymentStatus;
}

export interface DeploymentState {
  deployment: Deployment;
  /** Its own ReplicaSets. */
  sets: readonly ReplicaSet[];
  /** Pods of its ReplicaSets, in whatever state. */
  pods: readonly Pod[];
  now: number;
}

export function planDeployment(state: DeploymentState): DeploymentPlan {
  const { deployment, sets, now } = state;
  const newest = findNewest(deployment, sets);
  const olds = sets.filter((set) => set !== newest);
  const revision = newest ? bumped(newest, olds) : maxRevision(olds) + 1n;
  const leaving = deployment.metadata?.deletionTimestamp !== undefined;
  const paused = deployment.spec?.paused === true;
  let conditions = leaving ? [...(deployment.status?.conditions ?? [])] : pauseCondition(deployment, now);
  const nothing = { create: undefined, update: [], remove: [] };
  const finish = (
    plan: Pick<DeploymentPlan, "create" | "update" | "remove">,
    after: { newest: ReplicaSet | undefined; olds: readonly ReplicaSet[] } = { newest, olds },
  ): DeploymentPlan => {
    const status = countStatus(deployment, after.newest, after.olds, conditions, now);
    if (!leaving && !paused) status.conditions = progress(deployment, status, after.newest, now);
    const known = after.newest ? revisionOf(after.newest) : revisionOf(deployment);
    return { ...plan, revision: known, status };
  };
  if (leaving) return finish(nothing);

  if (paused || wasScaled(deployment, sets)) {
    const sizes = scaledSizes(deployment, newest, olds);
    const restamp = paused || sizes.size > 0 ? [] : activeSets(sets);
    const remove = paused ? history(deployment, olds) : [];
    return finish({ ...nothing, update: resized(deployment, sizes, restamp), remove });
  }

  if (isRolling(deployment)) {
    if (!newest) return create(olds);
    const synced = syncedNewest(deployment, newest, revision);
    conditions = noteFound(deployment, newest, conditions, now);
    const sizes = rollingSizes(deployment, newest, olds);
    const update = resized(deployment, sizes, [], synced);
    return finish({ ...nothing, update, remove: cleanUp() }, applied(update, newest, olds));
  }

  const down: Sizes = new Map(activeSets(olds).map((set) => [set, 0]));
  if (down.size > 0) return finish({ ...nothing, update: resized(deployment, down) });
  // Recreate never lets old and new run side by side.
  if (oldPodsRemain(newest, state.pods)) return finish(nothing);
  if (!newest) return create(olds);
  const synced = syncedNewest(deployment, newest, revision);
  conditions = noteFound(deployment, newest, conditions, now);
  const up: Sizes =
    replicasOf(newest) === replicasOf(deployment) ? new Map() : new Map([[newest, replicasOf(deployment)]]);
  const update = resized(deployment, up, [], synced);
  return finish({ ...nothing, update, remove: cleanUp() }, applied(update, newest, olds));

  function create(old: readonly ReplicaSet[]): DeploymentPlan {
    const made = newSet(deployment, old, revision);
    const message = `Created new replica set "${made.metadata?.name}"`;
    const type = "Progressing";
    if (deadlineMs(deployment) !== undefined) {
      conditions = withCondition(
        conditions,
        { type, status: "True", reason: "NewReplicaSetCreated", message },
        now,
      );
    }
    return finish({ ...nothing, create: made }, { newest: made, olds: old });
  }

  function cleanUp(): ReplicaSet[] {
    return isComplete(deployment, deployment.status ?? {}) ? history(deployment, olds) : [];
  }
}

/** The oldest set with the Deployment's template; its hash label does not count. */
function findNewest(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = withoutHash(deployment.spec?.template);
  return [...sets].sort(byAge).find((set) => deepEqual(withoutHash(set.spec?.template), template));
}

export const sameTemplate = (deployment: Deployment, set: ReplicaSet): boolean =>
  deepEqual(withoutHash(set.spec?.template), withoutHash(deployment.spec?.template));

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {};
  const { labels: _labels, creationTimestamp: _time, ...metadata } = template?.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

/** A rollback makes an old template the newest revision again. */
function bumped(newest: ReplicaSet, olds: readonly ReplicaSet[]): bigint {
  const next = maxRevision(olds) + 1n;
  return revisionOf(newest) > next ? revisionOf(newest) : next;
}

function newSet(deployment: Deployment, olds: readonly ReplicaSet[], revision: bigint): ReplicaSet {
  const template = deepClone(deployment.spec?.template ?? {});
  const hash = podTemplateHash(deployment.spec?.template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const selector = deepClone(deployment.spec?.selector ?? {});
  const wanted = replicasOf(deployment);
  const size = newSetSize(deployment, olds, 0);
  const annotations = withReplicaAnnotations(
    newSetAnnotations(deployment, undefined, revision),
    wanted,
    wanted + rollingBounds(deployment).maxSurge,
  );
  const { minReadySeconds } = deployment.spec ?? {};
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${deployment.metadata?.name}-${hash}`,
      ...(deployment.metadata?.namespace ? { namespace: deployment.metadata.namespace } : {}),
      labels,
      annotations,
      ownerReferences: [controllerRef(deployment, "apps/v1", "Deployment")],
    },
    spec: {
      replicas: size,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

type Update = DeploymentPlan["update"][number];

/** The newest set takes over annotations and minReadySeconds of its Deployment. */
function syncedNewest(deployment: Deployment, newest: ReplicaSet, revision: bigint): Update[] {
  const annotations = newSetAnnotations(deployment, newest, revision);
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const sameWait = (newest.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (!annotations && sameWait) return [];
  return [
    {
      from: newest,
      to: {
        ...newest,
        metadata: { ...newest.metadata, annotations: annotations ?? newest.metadata?.annotations ?? {} },
        ...(newest.spec ? { spec: { ...newest.spec, minReadySeconds } } : {}),
      },
    },
  ];
}

/**
 * Sets with their new size; `restamp` are sets of the right size whose annotations are out of date. A set that
 * `earlier` changes as well is written once, with both changes.
 */
function resized(
  deployment: Deployment,
  sizes: Sizes,
  restamp: readonly ReplicaSet[] = [],
  earlier: readonly Update[] = [],
): Update[] {
  const wanted = replicasOf(deployment);
  const max = wanted + rollingBounds(deployment).maxSurge;
  const targets = new Map([...restamp.map((set): [ReplicaSet, number] => [set, replicasOf(set)]), ...sizes]);
  const updates = earlier.filter((update) => !targets.has(update.from));
  for (const [from, replicas] of targets) {
    const base = earlier.find((update) => update.from === from)?.to ?? from;
    const annotations = withReplicaAnnotations(base.metadata?.annotations, wanted, max);
    updates.push({
      from,
      to: {
        ...base,
        metadata: { ...base.metadata, annotations },
        ...(base.spec ? { spec: { ...base.spec, replicas } } : {}),
      },
    });
  }
  return updates;
}

const applied = (
  update: readonly Update[],
  newest: ReplicaSet,
  olds: readonly ReplicaSet[],
): { newest: ReplicaSet; olds: ReplicaSet[] } => {
  const after = (set: ReplicaSet): ReplicaSet => update.find((each) => each.from === set)?.to ?? set;
  return { newest: after(newest), olds: olds.map(after) };
};

function noteFound(
  deployment: Deployment,
  newest: ReplicaSet,
  conditions: DeploymentCondition[],
  now: number,
): DeploymentCondition[] {
  if (deadlineMs(deployment) === undefined || conditionOf(conditions, "Progressing")) return conditions;
  const message = `Found new replica set "${newest.metadata?.name}"`;
  const type = "Progressing";
  return withCondition(conditions, { type, status: "True", reason: "FoundNewReplicaSet", message }, now);
}

function oldPodsRemain(newest: ReplicaSet | undefined, pods: readonly Pod[]): boolean {
  return pods.some((pod) => controllerOf(pod)?.uid !== newest?.metadata?.uid && !isFinished(pod));
}

function history(deployment: Deployment, olds: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit;
  return limit === undefined || limit === 2147483647 ? [] : surplusHistory(olds, limit, revisionOf);
}
