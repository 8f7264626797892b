/** All built-in kinds. The order of the groups is the order of discovery. */
import { admissionKinds } from "./admission-registration.ts";
import { apiRegistrationKinds } from "./api-registration.ts";
import { apiExtensionKinds } from "./custom/crd.ts";
import { appsKinds } from "./apps/index.ts";
import { autoscalingKinds } from "./autoscaling/index.ts";
import { batchKinds } from "./batch/index.ts";
import { certificateKinds } from "./certificates.ts";
import { coordinationKinds } from "./coordination.ts";
import { coreKinds } from "./core/index.ts";
import { unstoredCoreKinds } from "./core/unstored.ts";
import type { KindDefinition } from "./definition.ts";
import { discoveryKinds } from "./discovery.ts";
import { eventsKinds } from "./events.ts";
import { flowControlKinds } from "./flow-control.ts";
import { networkingKinds } from "./networking/index.ts";
import { policyKinds } from "./policy.ts";
import { rbacKinds } from "./rbac/index.ts";
import { resourceKinds } from "./resource/index.ts";
import { reviewKinds } from "./reviews.ts";
import { schedulingKinds } from "./scheduling.ts";
import { storageKinds } from "./storage/index.ts";

export const kinds: readonly KindDefinition[] = [
  ...coreKinds,
  ...unstoredCoreKinds,
  ...apiRegistrationKinds,
  ...eventsKinds,
  ...reviewKinds,
  ...appsKinds,
  ...autoscalingKinds,
  ...batchKinds,
  ...certificateKinds,
  ...networkingKinds,
  ...policyKinds,
  ...rbacKinds,
  ...storageKinds,
  ...admissionKinds,
  ...apiExtensionKinds,
  ...schedulingKinds,
  ...coordinationKinds,
  ...discoveryKinds,
  ...flowControlKinds,
  ...resourceKinds,
];

const byResource = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
const byKind = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.kind}`, kind]));

/** A built-in kind by its resource name, e.g. ("apps", "v1", "deployments"). */
export function findKind(group: string, version: string, plural: string): KindDefinition | undefined {
  return byResource.get(`${group}/${version}/${plural}`);
}

/** A built-in kind by its kind, e.g. ("apps", "v1", "Deployment"). */
export function findKindByName(group: string, version: string, kind: string): KindDefinition | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}
