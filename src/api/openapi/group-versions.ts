/** Groups and versions with the common types. */
import type { SchemaBuilder } from "./schemas.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Versions known to Kubernetes 1.36, served or not, which custom resources' documents list. */
export const versionsOfCustom: readonly string[] = [
  ["admissionregistration.k8s.io", "v1 v1alpha1 v1beta1"],
  ["apps", "v1 v1beta1 v1beta2"],
  ["authentication.k8s.io", "v1 v1alpha1 v1beta1"],
  ["authorization.k8s.io", "v1 v1beta1"],
  ["autoscaling", "v1 v2"],
  ["batch", "v1 v1beta1"],
  ["certificates.k8s.io", "v1 v1alpha1 v1beta1"],
  ["coordination.k8s.io", "v1 v1alpha2 v1beta1"],
  ["discovery.k8s.io", "v1 v1beta1"],
  ["events.k8s.io", "v1 v1beta1"],
  ["extensions", "v1beta1"],
  ["flowcontrol.apiserver.k8s.io", "v1 v1beta1 v1beta2 v1beta3"],
  ["internal.apiserver.k8s.io", "v1alpha1"],
  ["networking.k8s.io", "v1 v1beta1"],
  ["node.k8s.io", "v1 v1alpha1 v1beta1"],
  ["policy", "v1 v1beta1"],
  ["rbac.authorization.k8s.io", "v1 v1alpha1 v1beta1"],
  ["resource.k8s.io", "v1 v1alpha3 v1beta1 v1beta2"],
  ["scheduling.k8s.io", "v1 v1alpha2 v1beta1"],
  ["storage.k8s.io", "v1 v1alpha1 v1beta1"],
  ["storagemigration.k8s.io", "v1beta1"],
].flatMap(([group, versions = ""]) => versions.split(" ").map((version) => `${group}/${version}`));

/** All of a server, in version 2. */
export const allVersions: readonly string[] = [
  ...versionsOfCustom,
  "admission.k8s.io/v1",
  "admission.k8s.io/v1beta1",
  "apiextensions.k8s.io/v1",
  "apiextensions.k8s.io/v1beta1",
  "apiregistration.k8s.io/v1",
  "apiregistration.k8s.io/v1beta1",
  "imagepolicy.k8s.io/v1alpha1",
].sort();

export const ownVersion = (group: string, version: string): readonly string[] =>
  group === "" ? [] : [`${group}/${version}`];

/** Kinds in documents of other groups than their own, or without a resource. */
const carried: Readonly<Record<string, { group: string; version: string; kind: string }>> = {
  "io.k8s.api.autoscaling.v1.Scale": { group: "autoscaling", version: "v1", kind: "Scale" },
  "io.k8s.api.policy.v1.Eviction": { group: "policy", version: "v1", kind: "Eviction" },
  "io.k8s.api.authentication.v1.TokenRequest": {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
  },
  "io.k8s.api.core.v1.PersistentVolumeClaim": { group: "", version: "v1", kind: "PersistentVolumeClaim" },
  [`${meta}.Status`]: { group: "", version: "v1", kind: "Status" },
  [`${meta}.APIGroup`]: { group: "", version: "v1", kind: "APIGroup" },
  [`${meta}.APIGroupList`]: { group: "", version: "v1", kind: "APIGroupList" },
  [`${meta}.APIResourceList`]: { group: "", version: "v1", kind: "APIResourceList" },
  [`${meta}.APIVersions`]: { group: "", version: "v1", kind: "APIVersions" },
};

/** Adds their kinds, and those of the common types. `versions`: `<group>/<version>` of the document. */
export function addSharedKinds(builder: SchemaBuilder, versions: readonly string[]): void {
  for (const [definition, kind] of Object.entries(carried))
    if (builder.schemas[definition]) builder.addKind(definition, kind);
  for (const kind of ["DeleteOptions", "WatchEvent"]) {
    const definition = `${meta}.${kind}`;
    if (!builder.schemas[definition]) continue;
    builder.addKind(definition, { group: "", version: "v1", kind });
    for (const each of versions) {
      const [group = "", version = ""] = each.split("/");
      builder.addKind(definition, { group, version, kind });
    }
  }
}
