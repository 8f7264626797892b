import { serviceAllocation } from "../network/service-allocation.ts";
import {
  certificateApproval,
  certificateConditionTimes,
  certificateRequester,
  certificateSigning,
  certificateSubjectRestriction,
} from "./certificates.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { nodeDeclaredFeatures } from "./declared-features.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { deviceAdminAccess } from "./device-admin.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { alwaysPullImages } from "./optional/always-pull-images.ts";
import { eventRateLimit } from "./optional/event-rate-limit.ts";
import { imagePolicyWebhook } from "./optional/image-policy/plugin.ts";
import { namespaceAutoProvision } from "./optional/namespace-auto-provision.ts";
import { podNodeSelector } from "./optional/pod-node-selector.ts";
import { podTolerationRestriction } from "./optional/pod-toleration-restriction.ts";
import {
  alwaysDeny,
  denyServiceExternalIps,
  extendedResourceToleration,
  limitPodHardAntiAffinityTopology,
  namespaceExists,
} from "./optional/small.ts";
import { ownerReferences } from "./owner-references.ts";
import { checkPlugins, offByDefault, type PluginChoice } from "./plugin-names.ts";
import { mutatingAdmissionPolicy } from "./policies/mutating.ts";
import { validatingAdmissionPolicy } from "./policies/validating.ts";
import { podResizeValidator, podTopologyLabels } from "./pod-node.ts";
import { podSecurity } from "./pod-security/plugin.ts";
import { priority } from "./priority.ts";
import { resourceQuota } from "./quota/plugin.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { defaultStorageClass, persistentVolumeClaimResize, storageObjectInUseProtection } from "./storage.ts";
import { admissionWebhooks } from "./webhooks/plugins.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";
import { defaultTolerationSeconds } from "./toleration-seconds.ts";

/**
 * The enabled plugins in Kubernetes' order: its default ones, NodeRestriction and optional ones; Service addresses and quotas
 * last.
 */
export function admissionPlugins(context: PluginContext, choice: PluginChoice = {}): AdmissionPlugin[] {
  checkPlugins(choice);
  const { caches, random, network } = context;
  const [mutatingWebhook, validatingWebhook] = admissionWebhooks(context);
  // Their configuration is read only when they are enabled.
  const told = (make: (context: PluginContext) => AdmissionPlugin, name: string): AdmissionPlugin[] =>
    choice.enable?.includes(name) ? [made(make, name, context)] : [];
  const all: AdmissionPlugin[] = [
    namespaceAutoProvision(context),
    namespaceLifecycle(context),
    namespaceExists(context),
    limitPodHardAntiAffinityTopology,
    limitRanger(context),
    serviceAccount(context),
    nodeRestriction(context),
    taintNodesByCondition,
    alwaysPullImages,
    ...told(imagePolicyWebhook, "ImagePolicyWebhook"),
    podSecurity(context),
    ...told(podNodeSelector, "PodNodeSelector"),
    priority(context),
    defaultTolerationSeconds(context),
    ...told(podTolerationRestriction, "PodTolerationRestriction"),
    ...told(eventRateLimit, "EventRateLimit"),
    extendedResourceToleration,
    defaultStorageClass(context),
    storageObjectInUseProtection,
    ownerReferences(context),
    persistentVolumeClaimResize(context),
    runtimeClass(context),
    certificateRequester,
    certificateConditionTimes(context),
    certificateApproval(context),
    certificateSigning(context),
    certificateSubjectRestriction,
    defaultIngressClass(context),
    denyServiceExternalIps,
    podTopologyLabels(context),
    nodeDeclaredFeatures(context),
    podResizeValidator(context),
    mutatingAdmissionPolicy(context),
    mutatingWebhook,
    validatingAdmissionPolicy(context),
    validatingWebhook,
    deviceAdminAccess(context),
    ...(network
      ? [
          serviceAllocation({
            caches,
            random,
            network,
            writer: context,
            registry: context.metrics.registry,
            now: () => context.clock.monotonic(),
          }),
        ]
      : []),
    resourceQuota(context),
    alwaysDeny,
  ];
  return all.filter(({ name }) => {
    if (choice.disable?.includes(name)) return false;
    return !offByDefault.has(name) || (choice.enable?.includes(name) ?? false);
  });
}

/** Throws an Error that names the plugin with the invalid configuration. */
function made(
  make: (context: PluginContext) => AdmissionPlugin,
  name: string,
  context: PluginContext,
): AdmissionPlugin {
  try {
    return make(context);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new Error(`couldn't init admission plugin ${JSON.stringify(name)}: ${why}`, { cause });
  }
}
