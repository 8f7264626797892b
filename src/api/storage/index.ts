/** The kinds of the storage group. */
import { deepEqual } from "../../machinery/index.ts";
import { nodeLabelWarnings, oldNodeLabels } from "../old-node-labels.ts";
import { ageColumn, column, nameColumn } from "../columns.ts";
import type { KindDefinition } from "../definition.ts";
import { kindsOf } from "../define.ts";
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from "../generated/types.ts";
import {
  validateAttachment,
  validateAttachmentUpdate,
  validateAttributesClass,
  validateAttributesClassUpdate,
  validateCsiNode,
  validateCsiNodeUpdate,
  validateDriver,
  validateDriverUpdate,
  validateStorageCapacity,
  validateStorageCapacityUpdate,
} from "./rules.ts";
import {
  defaultStorageClass,
  isDefaultClass,
  validateStorageClass,
  validateStorageClassUpdate,
} from "./storage-class.ts";

const define = kindsOf("storage.k8s.io", "v1", "io.k8s.api.storage.v1");

const tokensInSecrets =
  "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";

export const storageKinds: readonly KindDefinition[] = [
  define<StorageClass>({
    kind: "StorageClass",
    plural: "storageclasses",
    shortNames: ["sc"],
    namespaced: false,
    defaults: defaultStorageClass,
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: validateStorageClass,
    warnings: ({ allowedTopologies = [] }) =>
      allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
        matchLabelExpressions.flatMap(({ key }, k) => {
          const text = oldNodeLabels[key];
          return text ? [`allowedTopologies[${i}].matchLabelExpressions[${k}].key: ${text}`] : [];
        }),
      ),
    validateUpdate: validateStorageClassUpdate,
    columns: [
      {
        ...nameColumn,
        cell: (each) =>
          isDefaultClass(each as StorageClass)
            ? `${each.metadata?.name} (default)`
            : (each.metadata?.name ?? ""),
      },
      column<StorageClass>("Provisioner", "string", (each) => each.provisioner),
      column<StorageClass>("ReclaimPolicy", "string", (each) => each.reclaimPolicy ?? "Delete"),
      column<StorageClass>("VolumeBindingMode", "string", (each) => each.volumeBindingMode ?? "Immediate"),
      column<StorageClass>("AllowVolumeExpansion", "string", (each) => each.allowVolumeExpansion ?? false),
      ageColumn,
    ],
  }),
  define<CSINode>({
    kind: "CSINode",
    plural: "csinodes",
    defaults(node) {
      node.spec ??= { drivers: null as never };
    },
    onUpdate: ["metadata", "object", "change"],
    validate: validateCsiNode,
    validateUpdate: validateCsiNodeUpdate,
    namespaced: false,
    columns: [
      nameColumn,
      column<CSINode>("Drivers", "integer", (each) => each.spec.drivers?.length ?? 0),
      ageColumn,
    ],
  }),
  define<CSIDriver>({
    kind: "CSIDriver",
    plural: "csidrivers",
    generation: "changes",
    // Behind a feature that is off.
    prepareForCreate: ({ spec }) => void delete spec.preventPodSchedulingIfMissing,
    prepareForUpdate({ spec }, old) {
      if (old.spec?.preventPodSchedulingIfMissing === undefined) delete spec?.preventPodSchedulingIfMissing;
    },
    validate: validateDriver,
    validateUpdate: validateDriverUpdate,
    warnings: ({ spec }, old) =>
      spec?.tokenRequests?.length &&
      spec.serviceAccountTokenInSecrets === undefined &&
      !(old && deepEqual(old.spec?.tokenRequests, spec.tokenRequests))
        ? [tokensInSecrets]
        : [],
    namespaced: false,
    defaults(driver) {
      driver.spec ??= {};
      driver.spec.attachRequired ??= true;
      driver.spec.podInfoOnMount ??= false;
      driver.spec.storageCapacity ??= false;
      driver.spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
      if (!driver.spec.volumeLifecycleModes?.length) driver.spec.volumeLifecycleModes = ["Persistent"];
      driver.spec.requiresRepublish ??= false;
      driver.spec.seLinuxMount ??= false;
    },
    columns: [
      nameColumn,
      column<CSIDriver>("AttachRequired", "boolean", (each) => each.spec.attachRequired ?? true),
      column<CSIDriver>("PodInfoOnMount", "boolean", (each) => each.spec.podInfoOnMount ?? false),
      column<CSIDriver>("StorageCapacity", "boolean", (each) => each.spec.storageCapacity ?? false),
      column<CSIDriver>("TokenRequests", "string", (each) =>
        each.spec.tokenRequests
          ? each.spec.tokenRequests.map((request) => request.audience).join(",")
          : "<unset>",
      ),
      column<CSIDriver>("RequiresRepublish", "boolean", (each) => each.spec.requiresRepublish ?? false),
      column<CSIDriver>("Modes", "string", (each) => each.spec.volumeLifecycleModes?.join(",") || "<none>"),
      ageColumn,
    ],
  }),
  define<CSIStorageCapacity>({
    kind: "CSIStorageCapacity",
    plural: "csistoragecapacities",
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: validateStorageCapacity,
    validateUpdate: validateStorageCapacityUpdate,
    warnings: ({ nodeTopology }) => nodeLabelWarnings(nodeTopology, "nodeTopology"),
  }),
  define<VolumeAttachment>({
    kind: "VolumeAttachment",
    plural: "volumeattachments",
    onUpdate: ["metadata", "object", "change"],
    validate: validateAttachment,
    validateUpdate: validateAttachmentUpdate,
    onStatus: ["metadata", "change"],
    validateStatus: (attachment, old) => [
      ...validateAttachment(attachment),
      ...validateAttachmentUpdate(attachment, old),
    ],
    namespaced: false,
    status: true,
    statusKeepsMetadata: true,
    columns: [
      nameColumn,
      { ...column<VolumeAttachment>("Attacher", "string", (each) => each.spec.attacher), format: "name" },
      column<VolumeAttachment>("PV", "string", (each) => each.spec.source.persistentVolumeName ?? ""),
      column<VolumeAttachment>("Node", "string", (each) => each.spec.nodeName),
      column<VolumeAttachment>("Attached", "boolean", (each) => each.status?.attached ?? false),
      ageColumn,
    ],
  }),
  define<VolumeAttributesClass>({
    kind: "VolumeAttributesClass",
    plural: "volumeattributesclasses",
    onUpdate: ["metadataChange", "change", "metadata", "object"],
    validate: validateAttributesClass,
    validateUpdate: validateAttributesClassUpdate,
    shortNames: ["vac"],
    namespaced: false,
    columns: [
      nameColumn,
      column<VolumeAttributesClass>("DriverName", "string", (each) => each.driverName),
      ageColumn,
    ],
  }),
];
