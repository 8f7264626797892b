/** Names of kube-apiserver's admission plugins (pkg/kubeapiserver/options/plugins.go). */

/** Plugins enabled beside the default ones, and default ones disabled. */
export interface PluginChoice {
  enable?: readonly string[];
  disable?: readonly string[];
}

/** On by default, as in kube-apiserver. */
const byDefault = [
  "CertificateApproval",
  "CertificateSigning",
  "CertificateSubjectRestriction",
  "ClusterTrustBundleAttest",
  "DefaultIngressClass",
  "DefaultStorageClass",
  "DefaultTolerationSeconds",
  "JobValidation",
  "LimitRanger",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionWebhook",
  "NamespaceLifecycle",
  "NodeDeclaredFeatureValidator",
  "PersistentVolumeClaimResize",
  "PodGroupProtection",
  "PodGroupWorkloadExists",
  "PodResizeValidator",
  "PodSecurity",
  "PodTopologyLabels",
  "Priority",
  "ResourceQuota",
  "RuntimeClass",
  "ServiceAccount",
  "StorageObjectInUseProtection",
  "TaintNodesByCondition",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionWebhook",
] as const;

/** Off by default. NodeRestriction is on here, since every cluster with nodes uses it. */
const onDemand = [
  "AlwaysAdmit",
  "AlwaysDeny",
  "AlwaysPullImages",
  "DenyServiceExternalIPs",
  "EventRateLimit",
  "ExtendedResourceToleration",
  "ImagePolicyWebhook",
  "LimitPodHardAntiAffinityTopology",
  "NamespaceAutoProvision",
  "NamespaceExists",
  "OwnerReferencesPermissionEnforcement",
  "PodNodeSelector",
  "PodTolerationRestriction",
] as const;

export const offByDefault: ReadonlySet<string> = new Set(onDemand);
const known: ReadonlySet<string> = new Set([...byDefault, ...onDemand, "NodeRestriction"]);

/** Throws an Error in kube-apiserver's words. */
export function checkPlugins({ enable = [], disable = [] }: PluginChoice): void {
  for (const [flag, names] of [
    ["enable-admission-plugins", enable],
    ["disable-admission-plugins", disable],
  ] as const) {
    const odd = names.find((name) => !known.has(name));
    if (odd !== undefined) throw new Error(`${flag} plugin ${JSON.stringify(odd)} is unknown`);
  }
  const both = [...new Set(enable)].filter((name) => disable.includes(name)).sort();
  if (both.length > 0)
    throw new Error(
      `[${both.join(" ")}] in enable-admission-plugins and disable-admission-plugins overlapped`,
    );
}
