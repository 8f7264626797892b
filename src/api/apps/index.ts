/** The kinds of the apps group. */
import { isChanged, templateWarnings, workloadWarnings } from "../core/pod/warnings.ts";
import { deepEqual, isDns1123Label } from "../../machinery/index.ts";
import type { KindDefinition } from "../definition.ts";
import { kindsOf } from "../define.ts";
import { specChanged } from "../strategies.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "../generated/types.ts";
import * as columns from "./columns.ts";
import * as defaults from "./defaults.ts";
import {
  numberIn,
  rollbackProblem,
  rollbackTo,
  templateGeneration,
  templateGenerationProblem,
  writeNumber,
} from "./numbers.ts";
import * as rules from "./rules.ts";
import * as statusRules from "./status-rules.ts";

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
    // Annotations are copied to its ReplicaSets.
    changesGeneration: (deployment, old) =>
      specChanged(deployment, old) ||
      !deepEqual(deployment.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}),
    // Its labels are used to find its pods, so status updates cannot change them.
    status: {
      prepareForUpdate(object, old) {
        const { metadata } = object;
        if (!metadata) return;
        if (old.metadata?.labels) metadata.labels = old.metadata.labels;
        else delete metadata.labels;
        writeNumber(object, rollbackTo, numberIn(old, rollbackTo));
      },
    },
    problem: rollbackProblem,
    scale,
    columns: columns.deploymentColumns,
    defaults: defaults.defaultDeployment,
    onUpdate: ["metadataChange", "change"],
    validate: rules.validateDeployment,
    warnings: workloadWarnings,
    validateUpdate: rules.validateDeploymentUpdate,
    validateStatus: statusRules.validateDeploymentStatus,
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
    defaults: defaults.defaultReplicaSet,
    onUpdate: ["metadataChange", "change"],
    validate: rules.validateReplicaSet,
    warnings: workloadWarnings,
    validateUpdate: rules.validateReplicaSetUpdate,
    validateStatus: statusRules.validateReplicaSetStatus,
  }),
  define<DaemonSet>({
    kind: "DaemonSet",
    plural: "daemonsets",
    hiddenAnnotations: ["deprecated.daemonset.template.generation"],
    emptyStatus: {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    },
    shortNames: ["ds"],
    categories: ["all"],
    generation: true,
    status: {
      prepareForUpdate(object, old) {
        writeNumber(object, templateGeneration, numberIn(old, templateGeneration));
      },
    },
    problem: templateGenerationProblem,
    prepareForCreate(set) {
      const given = numberIn(set, templateGeneration) ?? 0n;
      writeNumber(set, templateGeneration, given < 1n ? 1n : given);
    },
    prepareForUpdate(set, old) {
      const before = numberIn(old, templateGeneration) ?? 1n;
      const same = deepEqual(set.spec?.template, old.spec?.template);
      writeNumber(set, templateGeneration, same ? before : before + 1n);
    },
    columns: columns.daemonSetColumns,
    defaults: defaults.defaultDaemonSet,
    validate: rules.validateDaemonSet,
    warnings: (set, old) =>
      old && !isChanged(set, old) ? [] : templateWarnings("spec.template", set.spec?.template),
    onUpdate: ["metadataChange", "change"],
    validateUpdate: rules.validateDaemonSetUpdate,
    validateStatus: statusRules.validateDaemonSetStatus,
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
    defaults: defaults.defaultStatefulSet,
    validate: rules.validateStatefulSet,
    warnings: rules.statefulSetWarnings,
    prepareForCreate: (set) => rules.dropMaxUnavailable(set),
    prepareForUpdate: rules.dropMaxUnavailable,
    onUpdate: ["metadataChange", "change"],
    validateUpdate: rules.validateStatefulSetUpdate,
    onStatus: ["change", "metadataChange"],
    validateStatus: statusRules.validateStatefulSetStatus,
  }),
  define<ControllerRevision>({
    kind: "ControllerRevision",
    plural: "controllerrevisions",
    rawFields: rules.revisionRawFields,
    columns: columns.controllerRevisionColumns,
    onUpdate: ["metadataChange", "metadata", "object", "change"],
    validate: rules.validateRevision,
    validateCreate: rules.validateNewRevision,
    validateUpdate: rules.validateRevisionUpdate,
  }),
];
