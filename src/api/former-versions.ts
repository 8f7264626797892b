/** Removed versions of kinds: Kubernetes decodes such bodies, and then rejects their version. */

/** `v1beta1` in several groups, by kind. Equal names are the same kind. */
const former: Readonly<Record<string, readonly string[]>> = {
  "apps/v1beta1": ["ControllerRevision", "Deployment", "Scale", "StatefulSet"],
  "apps/v1beta2": ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "Scale", "StatefulSet"],
  "extensions/v1beta1": ["DaemonSet", "Deployment", "Ingress", "NetworkPolicy", "ReplicaSet", "Scale"],
  "batch/v1beta1": ["CronJob"],
  "autoscaling/v1": ["HorizontalPodAutoscaler"],
  "autoscaling/v2": ["HorizontalPodAutoscaler"],
  v1: ["Event"],
  "events.k8s.io/v1": ["Event"],
  "events.k8s.io/v1beta1": ["Event"],
  "policy/v1beta1": ["Eviction", "PodDisruptionBudget"],
  "networking.k8s.io/v1beta1": ["IPAddress", "Ingress", "IngressClass", "ServiceCIDR"],
  "storage.k8s.io/v1beta1": [
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "StorageClass",
    "VolumeAttachment",
    "VolumeAttributesClass",
  ],
  "storage.k8s.io/v1alpha1": ["CSIStorageCapacity", "VolumeAttachment", "VolumeAttributesClass"],
  "scheduling.k8s.io/v1beta1": ["PriorityClass"],
  "coordination.k8s.io/v1beta1": ["Lease"],
  "discovery.k8s.io/v1beta1": ["EndpointSlice"],
  "node.k8s.io/v1beta1": ["RuntimeClass"],
  "node.k8s.io/v1alpha1": ["RuntimeClass"],
  "rbac.authorization.k8s.io/v1beta1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "rbac.authorization.k8s.io/v1alpha1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "certificates.k8s.io/v1beta1": ["CertificateSigningRequest"],
  "flowcontrol.apiserver.k8s.io/v1beta1": ["FlowSchema", "PriorityLevelConfiguration"],
  "flowcontrol.apiserver.k8s.io/v1beta2": ["FlowSchema", "PriorityLevelConfiguration"],
  "flowcontrol.apiserver.k8s.io/v1beta3": ["FlowSchema", "PriorityLevelConfiguration"],
  "admissionregistration.k8s.io/v1beta1": [
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
  ],
  "admissionregistration.k8s.io/v1alpha1": [
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
  ],
  "apiextensions.k8s.io/v1beta1": ["CustomResourceDefinition"],
  "apiregistration.k8s.io/v1beta1": ["APIService"],
  "authentication.k8s.io/v1beta1": ["SelfSubjectReview", "TokenReview"],
  "authentication.k8s.io/v1alpha1": ["SelfSubjectReview"],
  "authorization.k8s.io/v1beta1": [
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
  ],
  "resource.k8s.io/v1beta1": ["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"],
  "resource.k8s.io/v1beta2": ["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"],
};

/** Kinds with other field names in those versions. */
const renamed: ReadonlySet<string> = new Set([
  "CertificateSigningRequest",
  "CustomResourceDefinition",
  "DeviceClass",
  "EndpointSlice",
  "FlowSchema",
  "Ingress",
  "PriorityLevelConfiguration",
  "ResourceClaim",
  "ResourceClaimTemplate",
  "ResourceSlice",
]);

/** True for a kind, or its list, that existed in this version. */
export function isFormer(apiVersion: string, kind: string): boolean {
  const kinds = Object.hasOwn(former, apiVersion) ? former[apiVersion] : undefined;
  return kinds?.some((each) => kind === each || (kind === `${each}List` && each !== "Scale")) ?? false;
}

/** Renamed fields are below these. */
const inner: ReadonlySet<string> = new Set(["endpoints", "ports", "spec", "status"]);

/** The parts of an object of a removed version with current names, for decoding as the current type. */
export function presentPart<T extends { kind?: string; apiVersion?: string; spec?: unknown }>(object: T): T {
  if (sameFields(object.kind ?? "")) {
    const { spec, apiVersion = "", kind } = object;
    // Such a Deployment had a field for rollbacks.
    if (kind !== "Deployment" || !ofTemplate.has(apiVersion) || !spec) return object;
    const { rollbackTo: _, ...known } = spec as { rollbackTo?: unknown };
    return { ...object, spec: known };
  }
  return Object.fromEntries(Object.entries(object).filter(([name]) => !inner.has(name))) as T;
}

/** Versions with defaults of labels and selectors from the template. */
const ofTemplate: ReadonlySet<string> = new Set(["extensions/v1beta1", "apps/v1beta1"]);

interface Templated {
  apiVersion?: string;
  metadata?: { labels?: Record<string, string> };
  spec?: { selector?: unknown; template?: { metadata?: { labels?: Record<string, string> } } };
}

/** Converts an object of a removed version with the same fields to the current one, in place. */
export function modernize(object: Templated, apiVersion: string): void {
  const labels = object.spec?.template?.metadata?.labels;
  if (labels && object.spec && ofTemplate.has(object.apiVersion ?? "")) {
    object.spec.selector ??= { matchLabels: { ...labels } };
    if (object.metadata && Object.keys(object.metadata.labels ?? {}).length === 0)
      object.metadata.labels = { ...labels };
  }
  object.apiVersion = apiVersion;
}

/** True if that version's fields equal the current ones, for practical purposes. */
export const sameFields = (kind: string): boolean => !renamed.has(kind);
