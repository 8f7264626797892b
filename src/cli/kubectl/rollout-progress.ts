import type { DaemonSet, Deployment, StatefulSet } from "../../api/index.ts";

export interface Progress {
  text: string;
  done: boolean;
}

/** The progress of a rollout, in the words of `kubectl rollout status`. Throws when it can no longer succeed. */
export function rolloutProgress(kind: string, object: unknown, revision?: number): Progress {
  switch (kind) {
    case "Deployment":
      return deployment(object as Deployment, revision);
    case "DaemonSet":
      return daemonSet(object as DaemonSet);
    case "StatefulSet":
      return statefulSet(object as StatefulSet);
    default:
      throw new Error(`no status viewer has been implemented for ${kind}`);
  }
}

const waiting = (text: string): Progress => ({ text: `Waiting for ${text}...\n`, done: false });

function deployment({ metadata, spec, status = {} }: Deployment, revision: number | undefined): Progress {
  const name = metadata?.name ?? "";
  const actual = metadata?.annotations?.["deployment.kubernetes.io/revision"] ?? "";
  if (revision !== undefined && revision > 0 && actual !== String(revision)) {
    throw new Error(`desired revision (${revision}) is different from the running revision (${actual})`);
  }
  if ((metadata?.generation ?? 0) > (status.observedGeneration ?? 0))
    return waiting("deployment spec update to be observed");
  const progressing = status.conditions?.find((condition) => condition.type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    throw new Error(`deployment "${name}" exceeded its progress deadline`);
  }
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  const wanted = spec?.replicas ?? 1;
  const rollout = `deployment "${name}" rollout to finish`;
  if (updatedReplicas < wanted)
    return waiting(`${rollout}: ${updatedReplicas} out of ${wanted} new replicas have been updated`);
  if (replicas > updatedReplicas)
    return waiting(`${rollout}: ${replicas - updatedReplicas} old replicas are pending termination`);
  if (availableReplicas < updatedReplicas)
    return waiting(`${rollout}: ${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  return { text: `deployment "${name}" successfully rolled out\n`, done: true };
}

function daemonSet({ metadata, spec, status }: DaemonSet): Progress {
  const name = metadata?.name ?? "";
  if (spec?.updateStrategy?.type === "OnDelete")
    throw new Error("rollout status is only available for RollingUpdate strategy type");
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0))
    return waiting("daemon set spec update to be observed");
  const wanted = status?.desiredNumberScheduled ?? 0;
  const updated = status?.updatedNumberScheduled ?? 0;
  const available = status?.numberAvailable ?? 0;
  const rollout = `daemon set "${name}" rollout to finish`;
  if (updated < wanted) return waiting(`${rollout}: ${updated} out of ${wanted} new pods have been updated`);
  if (available < wanted) return waiting(`${rollout}: ${available} of ${wanted} updated pods are available`);
  return { text: `daemon set "${name}" successfully rolled out\n`, done: true };
}

function statefulSet({ metadata, spec, status }: StatefulSet): Progress {
  if (spec?.updateStrategy?.type === "OnDelete")
    throw new Error("rollout status is only available for RollingUpdate strategy type");
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0))
    return waiting("statefulset spec update to be observed");
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  if (ready < wanted) return waiting(`${wanted - ready} pods to be ready`);
  const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  if (partition > 0) {
    if (updated < wanted - partition) {
      return waiting(
        `partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated`,
      );
    }
    return { text: `partitioned roll out complete: ${updated} new pods have been updated...\n`, done: true };
  }
  if (status?.updateRevision !== status?.currentRevision) {
    return waiting(
      `statefulset rolling update to complete ${updated} pods at revision ${status?.updateRevision}`,
    );
  }
  return {
    text: `statefulset rolling update complete ${status?.currentReplicas ?? 0} pods at revision ${status?.currentRevision}...\n`,
    done: true,
  };
}
