/** Defaults of Deployments, ReplicaSets, DaemonSets and StatefulSets. */
import { defaultPodTemplate } from "../core/pod/defaults.ts";
import { defaultClaimSpec } from "../core/volume.ts";
import type {
  DaemonSet,
  Deployment,
  ReplicaSet,
  RollingUpdateDeployment,
  StatefulSet,
} from "../generated/types.ts";
import { keepNumber, rollbackTo, templateGeneration } from "./numbers.ts";

/** Missing objects are treated as empty, as in Kubernetes. */
type Defaulted<T extends { spec?: unknown }> = NonNullable<T["spec"]>;

export function defaultDeployment(each: Deployment): void {
  const spec = (each.spec ??= {} as Defaulted<Deployment>);
  spec.replicas ??= 1;
  const strategy = (spec.strategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const update: RollingUpdateDeployment = (strategy.rollingUpdate ??= {});
    update.maxUnavailable ??= "25%";
    update.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
  keepNumber(each, rollbackTo);
}

export function defaultReplicaSet(each: ReplicaSet): void {
  const spec = (each.spec ??= {} as Defaulted<ReplicaSet>);
  spec.replicas ??= 1;
  defaultPodTemplate((spec.template ??= {}));
}

export function defaultDaemonSet(each: DaemonSet): void {
  const spec = (each.spec ??= {} as Defaulted<DaemonSet>);
  spec.template ??= {};
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
    strategy.rollingUpdate.maxSurge ??= 0;
  } else if (strategy.rollingUpdate) {
    // Kubernetes' internal form has no unset field.
    strategy.rollingUpdate.maxUnavailable ??= 0;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  // A missing value is zero, as field ownership shows; the default is set later.
  keepNumber(each, templateGeneration, 0n);
}

export function defaultStatefulSet(each: StatefulSet): void {
  const spec = (each.spec ??= {} as Defaulted<StatefulSet>);
  spec.template ??= {};
  spec.podManagementPolicy ||= "OrderedReady";
  const strategy = (spec.updateStrategy ??= {});
  if (!strategy.type) {
    strategy.type = "RollingUpdate";
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === "RollingUpdate" && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= "Retain";
  retention.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ??= "v1";
    claim.kind ??= "PersistentVolumeClaim";
    if (claim.spec) defaultClaimSpec(claim.spec);
    claim.status ??= {};
    claim.status.phase ||= "Pending";
  }
}
