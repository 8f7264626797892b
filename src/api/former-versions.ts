/** Versions of kinds that are no longer served and yet known: Kubernetes reads such a body, and then says that it is of another version. */

/** `v1beta1` in several groups, by kind. Kinds of the same name are the same kind in these. */
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

/** Kinds whose fields had other names in those versions. */
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

/** True for a kind, or its list, that Kubernetes knows in this version. */
export function isFormer(apiVersion: string, kind: string): boolean {
  const kinds = Object.hasOwn(former, apiVersion) ? former[apiVersion] : undefined;
  return kinds?.some((each) => kind === each || (kind === `${each}List` && each !== "Scale")) ?? false;
}

/** What is renamed lies below these. */
const inner: ReadonlySet<string> = new Set(["endpoints", "ports", "spec", "status"]);

/** What of an object of a former version has the names of today, so that it can be held against the present type. */
export function presentPart<T extends { kind?: string; apiVersion?: string; spec?: unknown }>(object: T): T {
  if (sameFields(object.kind ?? "")) {
    const { spec, apiVersion = "", kind } = object;
    // A Deployment of these could say where it goes back to.
    if (kind !== "Deployment" || !ofTemplate.has(apiVersion) || !spec) return object;
    const { rollbackTo: _, ...known } = spec as { rollbackTo?: unknown };
    return { ...object, spec: known };
  }
  return Object.fromEntries(Object.entries(object).filter(([name]) => !inner.has(name))) as T;
}

/** Versions in which labels and selectors came from the template. */
const ofTemplate: ReadonlySet<string> = new Set(["extensions/v1beta1", "apps/v1beta1"]);

interface Templated {
  apiVersion?: string;
  metadata?: { labels?: Record<string, string> };
  spec?: { selector?: unknown; template?: { metadata?: { labels?: Record<string, string> } } };
}

/** Takes an object of a former version with the same fields as one of the present, in place. */
export function modernize(object: Templated, apiVersion: string): void {
  const labels = object.spec?.template?.metadata?.labels;
  if (labels && object.spec && ofTemplate.has(object.apiVersion ?? "")) {
    object.spec.selector ??= { matchLabels: { ...labels } };
    if (object.metadata && Object.keys(object.metadata.labels ?? {}).length === 0)
      object.metadata.labels = { ...labels };
  }
  object.apiVersion = apiVersion;
}

/** True where the fields of that version are those of the present one, as far as anybody would write them. */
export const sameFields = (kind: string): boolean => !renamed.has(kind);
