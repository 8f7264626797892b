/** Table columns of workloads in the apps group. */
import { ageColumn, column, labelsText, nameColumn, selectorText, workloadColumns } from "../columns.ts";
import type { TableColumn } from "../definition.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "../generated/types.ts";

export const deploymentColumns: readonly TableColumn[] = [
  nameColumn,
  column<Deployment>(
    "Ready",
    "string",
    (each) => `${each.status?.readyReplicas ?? 0}/${each.spec?.replicas ?? 0}`,
  ),
  column<Deployment>("Up-to-date", "string", (each) => each.status?.updatedReplicas ?? 0),
  column<Deployment>("Available", "string", (each) => each.status?.availableReplicas ?? 0),
  ageColumn,
  ...workloadColumns<Deployment>(
    (each) => each.spec?.template.spec?.containers,
    (each) => selectorText(each.spec?.selector),
  ),
];

export const replicaSetColumns: readonly TableColumn[] = [
  nameColumn,
  column<ReplicaSet>("Desired", "integer", (each) => each.spec?.replicas ?? 0),
  column<ReplicaSet>("Current", "integer", (each) => each.status?.replicas ?? 0),
  column<ReplicaSet>("Ready", "integer", (each) => each.status?.readyReplicas ?? 0),
  ageColumn,
  ...workloadColumns<ReplicaSet>(
    (each) => each.spec?.template?.spec?.containers,
    (each) => selectorText(each.spec?.selector),
  ),
];

export const daemonSetColumns: readonly TableColumn[] = [
  nameColumn,
  column<DaemonSet>("Desired", "integer", (each) => each.status?.desiredNumberScheduled ?? 0),
  column<DaemonSet>("Current", "integer", (each) => each.status?.currentNumberScheduled ?? 0),
  column<DaemonSet>("Ready", "integer", (each) => each.status?.numberReady ?? 0),
  column<DaemonSet>("Up-to-date", "integer", (each) => each.status?.updatedNumberScheduled ?? 0),
  column<DaemonSet>("Available", "integer", (each) => each.status?.numberAvailable ?? 0),
  column<DaemonSet>("Node Selector", "string", (each) => labelsText(each.spec?.template.spec?.nodeSelector)),
  ageColumn,
  ...workloadColumns<DaemonSet>(
    (each) => each.spec?.template.spec?.containers,
    (each) => selectorText(each.spec?.selector),
  ),
];

export const statefulSetColumns: readonly TableColumn[] = [
  nameColumn,
  column<StatefulSet>(
    "Ready",
    "string",
    (each) => `${each.status?.readyReplicas ?? 0}/${each.spec?.replicas ?? 0}`,
  ),
  ageColumn,
  ...workloadColumns<StatefulSet>(
    (each) => each.spec?.template.spec?.containers,
    () => "",
  ).slice(0, 2),
];

export const controllerRevisionColumns: readonly TableColumn[] = [
  nameColumn,
  column<ControllerRevision>("Controller", "string", (each) => {
    const owner = each.metadata?.ownerReferences?.find((reference) => reference.controller);
    if (!owner) return "<none>";
    const slash = owner.apiVersion.indexOf("/");
    const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
    return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  }),
  column<ControllerRevision>("Revision", "string", (each) => each.revision),
  ageColumn,
];
