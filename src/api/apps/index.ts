/** The kinds of the apps group. */
import { isChanged, templateWarnings, workloadWarnings } from "../core/pod/warnings.ts";
import { deepEqual, isDns1123Label } from "../../machinery/index.ts";
import type { KindDefinition } from "../definition.ts";
import { kindsOf, specChanged } from "../define.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "../generated/types.ts";
import * as columns from "./columns.ts";
import * as rules from "./rules.ts";

const define = kindsOf("apps", "v1", "io.k8s.api.apps.v1");
const scale = {
  specReplicasPath: "spec.replicas",
  statusReplicasPath: "status.replicas",
  selectorPath: "spec.selector",
};

export const appsKinds: readonly KindDefinition[] = [
  define<Deployment>({
    kind: "Deployment",
    plural: "deployments",
    shortNames: ["deploy"],
    categories: ["all"],
    generation: true,
    // Annotations go down to its ReplicaSets.
    changesGeneration: (deployment, old) =>
      specChanged(deployment, old) ||
      !deepEqual(deployment.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}),
    // Its labels are what its pods are found by in the end: who writes the status leaves them.
    status: {
      prepareForUpdate({ metadata }, old) {
        if (!metadata) return;
        if (old.metadata?.labels) metadata.labels = old.metadata.labels;
        else delete metadata.labels;
      },
    },
    scale,
    columns: columns.deploymentColumns,
    defaults: rules.defaultDeployment,
    validate: rules.validateDeployment,
    warnings: workloadWarnings,
    validateUpdate: rules.validateSelectorUpdate,
  }),
  define<ReplicaSet>({
    kind: "ReplicaSet",
    plural: "replicasets",
    emptyStatus: { replicas: 0 },
    shortNames: ["rs"],
    categories: ["all"],
    generation: true,
    status: true,
    scale,
    columns: columns.replicaSetColumns,
    defaults: rules.defaultReplicaSet,
    validate: rules.validateReplicaSet,
    warnings: workloadWarnings,
    validateUpdate: rules.validateSelectorUpdate,
  }),
  define<DaemonSet>({
    kind: "DaemonSet",
    plural: "daemonsets",
    emptyStatus: {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    },
    shortNames: ["ds"],
    categories: ["all"],
    generation: true,
    status: true,
    columns: columns.daemonSetColumns,
    defaults: rules.defaultDaemonSet,
    validate: rules.validateDaemonSet,
    warnings: (set, old) =>
      old && !isChanged(set, old) ? [] : templateWarnings("spec.template", set.spec?.template),
    validateUpdate: rules.validateSelectorUpdate,
  }),
  define<StatefulSet>({
    kind: "StatefulSet",
    plural: "statefulsets",
    emptyStatus: { replicas: 0, availableReplicas: 0 },
    name: isDns1123Label,
    shortNames: ["sts"],
    categories: ["all"],
    generation: true,
    status: true,
    scale,
    columns: columns.statefulSetColumns,
    defaults: rules.defaultStatefulSet,
    validate: rules.validateStatefulSet,
    warnings: rules.statefulSetWarnings,
    validateUpdate: rules.validateStatefulSetUpdate,
  }),
  define<ControllerRevision>({
    kind: "ControllerRevision",
    plural: "controllerrevisions",
    columns: columns.controllerRevisionColumns,
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: rules.validateRevision,
    validateUpdate: rules.validateRevisionUpdate,
  }),
];
