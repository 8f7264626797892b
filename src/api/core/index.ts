/** The kinds of the core group. */
import { dropDisabled, dropDisabledOfTemplate } from "./pod/dropped.ts";
import { podWarnings } from "./pod/warnings.ts";
import { isDns1123Label } from "../../machinery/index.ts";
import type { KindDefinition } from "../definition.ts";
import { kindsOf } from "../define.ts";
import type {
  ConfigMap,
  CoreV1Event,
  Endpoints,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from "../generated/types.ts";
import { normalizeDataSources } from "./claim-spec.ts";
import * as columns from "./columns.ts";
import * as data from "./data.ts";
import * as endpoints from "./endpoints.ts";
import { defaultEvent, eventFields, eventTtlSeconds, validateEvent } from "./event.ts";
import { podColumns, podRowConditions } from "./pod/columns.ts";
import { defaultPod } from "./pod/defaults.ts";
import { profileWarnings } from "./pod/app-armor.ts";
import { prepareNewPod } from "./pod/prepare.ts";
import { validateNewPod, validatePod } from "./pod/spec.ts";
import { ephemeralContainersStrategy, resizeStrategy } from "./pod/subresources.ts";
import { podStatusStrategy, validatePodStatus } from "./pod/status.ts";
import { podFromTemplate } from "./pod/template.ts";
import { validatePodUpdate } from "./pod/update.ts";
import { defaultLimitRange, validateLimitRange } from "./limits.ts";
import * as namespaces from "./namespace.ts";
import * as nodes from "./node.ts";
import * as quota from "./quota.ts";
import * as service from "./service/index.ts";
import * as volume from "./volume.ts";
import * as workloads from "./workloads.ts";

const define = kindsOf("", "v1", "io.k8s.api.core.v1");

export const coreKinds: readonly KindDefinition[] = [
  define<Namespace>({
    kind: "Namespace",
    plural: "namespaces",
    shortNames: ["ns"],
    namespaced: false,
    name: isDns1123Label,
    verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    status: true,
    validateStatus: namespaces.validateNamespaceStatus,
    subresources: ["finalize"],
    subresourceStrategies: { finalize: namespaces.finalizeStrategy },
    columns: columns.namespaceColumns,
    defaults: namespaces.defaultNamespace,
    prepareForCreate: namespaces.prepareNewNamespace,
    prepareForUpdate: namespaces.prepareNamespaceUpdate,
    onUpdate: ["metadata", "object", "metadataChange"],
    validate: namespaces.validateNamespace,
    selectableFields: {
      "status.phase": (each) => each.status?.phase ?? "",
    },
  }),
  define<Node>({
    kind: "Node",
    plural: "nodes",
    shortNames: ["no"],
    namespaced: false,
    status: { prepareForUpdate: (node) => nodes.dropConfig(node as Node) },
    statusAtCreation: true,
    subresources: ["proxy"],
    columns: columns.nodeColumns,
    defaults: nodes.defaultNode,
    prepareForCreate: nodes.dropConfig,
    prepareForUpdate: nodes.dropConfig,
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: nodes.validateNode,
    warnings: nodes.nodeWarnings,
    validateUpdate: nodes.validateNodeUpdate,
    validateStatus: nodes.validateNodeUpdate,
    selectableFields: { "spec.unschedulable": (each) => String(each.spec?.unschedulable ?? false) },
  }),
  define<Pod>({
    kind: "Pod",
    plural: "pods",
    shortNames: ["po"],
    categories: ["all"],
    generation: true,
    subresources: [
      "attach",
      "binding",
      "ephemeralcontainers",
      "eviction",
      "exec",
      "log",
      "portforward",
      "proxy",
      "resize",
    ],
    columns: podColumns,
    rowConditions: podRowConditions,
    defaults(pod, _clock, same) {
      defaultPod(pod, same);
      // The minimum is zero.
      if ((pod.spec?.terminationGracePeriodSeconds ?? 0) < 0) {
        pod.spec = { ...pod.spec, containers: pod.spec?.containers ?? [], terminationGracePeriodSeconds: 1 };
      }
    },
    fromTemplate: podFromTemplate,
    sharesParts: true,
    warnings: podWarnings,
    prepareForCreate: prepareNewPod,
    preparationWarnings: profileWarnings,
    prepareForUpdate(pod, old) {
      if (pod.spec !== old.spec) dropDisabled(pod.spec, old.spec);
    },
    onUpdate: ["metadataChange", "metadata", "change"],
    validate: (pod) => validatePod(pod),
    validateCreate: validateNewPod,
    validateUpdate: validatePodUpdate,
    status: podStatusStrategy,
    validateStatus: validatePodStatus,
    subresourceStrategies: { ephemeralcontainers: ephemeralContainersStrategy, resize: resizeStrategy },
    graceSeconds: (pod) => pod.spec?.terminationGracePeriodSeconds ?? 30,
    selectableFields: {
      "spec.nodeName": (pod) => pod.spec?.nodeName ?? "",
      "spec.restartPolicy": (pod) => pod.spec?.restartPolicy ?? "",
      "spec.schedulerName": (pod) => pod.spec?.schedulerName ?? "",
      "spec.serviceAccountName": (pod) => pod.spec?.serviceAccountName ?? "",
      "spec.hostNetwork": (pod) => String(pod.spec?.hostNetwork ?? false),
      "status.phase": (pod) => pod.status?.phase ?? "",
      "status.podIP": (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "",
      // Can be requested, and is always empty.
      "status.podIPs": () => "",
      "status.nominatedNodeName": (pod) => pod.status?.nominatedNodeName ?? "",
    },
  }),
  define<Service>({
    kind: "Service",
    plural: "services",
    shortNames: ["svc"],
    categories: ["all"],
    name: isDns1123Label,
    status: { warnings: service.serviceStatusWarnings },
    validateStatus: service.validateServiceStatus,
    subresources: ["proxy"],
    columns: columns.serviceColumns,
    defaults: service.defaultService,
    prepareForCreate: service.prepareNewService,
    prepareForUpdate: service.prepareServiceUpdate,
    validate: (each) => service.serviceProblems(each, undefined),
    onUpdate: ["metadataChange", "change"],
    validateUpdate: service.validateServiceUpdate,
    warnings: service.serviceWarnings,
    selectableFields: {
      "spec.clusterIP": (each) => each.spec?.clusterIP ?? "",
      "spec.type": (each) => each.spec?.type ?? "",
    },
  }),
  define<Endpoints>({
    kind: "Endpoints",
    plural: "endpoints",
    shortNames: ["ep"],
    columns: columns.endpointsColumns,
    defaults: endpoints.defaultEndpoints,
    onUpdate: ["metadataChange", "metadata", "change"],
    validate: (each) => endpoints.validateEndpoints(each),
    validateUpdate: endpoints.validateEndpoints,
    warnings: endpoints.endpointsWarnings,
  }),
  define<ConfigMap>({
    kind: "ConfigMap",
    plural: "configmaps",
    shortNames: ["cm"],
    columns: columns.configMapColumns,
    onUpdate: ["metadataChange", "change", "metadata", "object"],
    validate: data.validateConfigMap,
    validateUpdate: data.validateConfigMapUpdate,
  }),
  define<Secret>({
    kind: "Secret",
    plural: "secrets",
    columns: columns.secretColumns,
    defaults: data.defaultSecret,
    onUpdate: ["metadataChange", "change", "metadata", "object"],
    validate: data.validateSecret,
    warnings: data.secretWarnings,
    validateUpdate: data.validateSecretUpdate,
    selectableFields: { type: (each) => each.type ?? "" },
  }),
  define<ServiceAccount>({
    kind: "ServiceAccount",
    onUpdate: ["metadataChange", "metadata"],
    plural: "serviceaccounts",
    shortNames: ["sa"],
    subresources: ["token"],
    columns: columns.serviceAccountColumns,
    prepareForCreate: data.keepSecretNames,
    prepareForUpdate: data.keepSecretNames,
    warnings: data.accountWarnings,
  }),
  define<CoreV1Event>({
    kind: "Event",
    plural: "events",
    shortNames: ["ev"],
    columns: columns.eventColumns,
    defaults: defaultEvent,
    onCreate: ["object"],
    onUpdate: ["object"],
    validate: (event) => validateEvent(event, "reportingComponent"),
    selectableFields: eventFields,
    defaultPropagation: "Unsupported",
    ttlSeconds: eventTtlSeconds,
  }),
  define<PersistentVolume>({
    kind: "PersistentVolume",
    plural: "persistentvolumes",
    shortNames: ["pv"],
    namespaced: false,
    status: volume.volumeStatus,
    columns: columns.volumeColumns,
    defaults: volume.defaultVolume,
    prepareForCreate(each) {
      each.status = {
        phase: "Pending",
        lastPhaseTransitionTime: each.metadata?.creationTimestamp as string,
      };
    },
    onUpdate: ["metadata", "object", "metadata", "change"],
    validate: volume.validateVolume,
    warnings: volume.volumeWarnings,
    validateUpdate: volume.validateVolumeUpdate,
  }),
  define<PersistentVolumeClaim>({
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    shortNames: ["pvc"],
    status: true,
    columns: columns.claimColumns,
    defaults: volume.defaultClaim,
    prepareForCreate(each) {
      each.status = { phase: "Pending" };
      if (each.spec) normalizeDataSources(each.spec, undefined);
    },
    prepareForUpdate(each, old) {
      if (each.spec) normalizeDataSources(each.spec, old.spec);
    },
    onUpdate: ["metadataChange", "metadata", "change"],
    validateStatus: volume.validateClaimStatus,
    validate: volume.validateClaim,
    warnings: volume.claimWarnings,
    validateUpdate: volume.validateClaimUpdate,
  }),
  define<PodTemplate>({
    kind: "PodTemplate",
    plural: "podtemplates",
    generation: true,
    columns: columns.podTemplateColumns,
    defaults: workloads.defaultTemplateKind,
    prepareForCreate: (each) => dropDisabledOfTemplate(each.template),
    prepareForUpdate: (each, old) => dropDisabledOfTemplate(each.template, old.template),
    onUpdate: ["metadataChange", "change"],
    validate: (each) => workloads.validateTemplateKind(each),
    validateUpdate: workloads.validateTemplateKind,
    warnings: workloads.templateKindWarnings,
  }),
  define<ReplicationController>({
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    shortNames: ["rc"],
    categories: ["all"],
    generation: true,
    status: true,
    scale: {
      specReplicasPath: "spec.replicas",
      statusReplicasPath: "status.replicas",
      selectorPath: "spec.selector",
    },
    columns: columns.replicationControllerColumns,
    defaults: workloads.defaultReplicationController,
    name: workloads.controllerName,
    metaRules: { generated: false },
    prepareForCreate: (each) => dropDisabledOfTemplate(each.spec?.template),
    prepareForUpdate: (each, old) => dropDisabledOfTemplate(each.spec?.template, old.spec?.template),
    onUpdate: ["metadataChange", "change"],
    validate: (each) => workloads.validateReplicationController(each),
    validateUpdate: workloads.validateReplicationControllerUpdate,
    validateStatus: workloads.validateReplicationControllerStatus,
    warnings: workloads.controllerWarnings,
    defaultPropagation: "Orphan",
    emptyStatus: { replicas: 0 },
    selectableFields: { "status.replicas": (each) => String(each.status?.replicas ?? 0) },
  }),
  define<LimitRange>({
    kind: "LimitRange",
    plural: "limitranges",
    shortNames: ["limits"],
    named: true,
    defaults: defaultLimitRange,
    onUpdate: ["metadata", "object"],
    validate: validateLimitRange,
  }),
  define<ResourceQuota>({
    kind: "ResourceQuota",
    plural: "resourcequotas",
    shortNames: ["quota"],
    status: true,
    columns: columns.quotaColumns,
    defaults(each) {
      each.spec ??= {};
    },
    validate: quota.validateQuota,
    validateUpdate: quota.validateQuotaUpdate,
    validateStatus: quota.validateQuotaStatus,
    warnings: quota.quotaWarnings,
  }),
];
