/** Warnings for valid but unusual pods and pod templates. The texts are Kubernetes'. */
import { deepEqual, isDns1123Label, isLabelValue, thousandths, repeatsIn } from "../../../machinery/index.ts";
import type {
  Container,
  NodeSelectorTerm,
  PersistentVolumeClaimSpec,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from "../../generated/types.ts";
import type { ObjectMeta } from "../../meta.ts";
import { knownAnnotations, lastApproval, namesToken } from "./approved.ts";
import { oldNodeLabels } from "../../old-node-labels.ts";
import { addressWarnings } from "../address-rules.ts";
import { profileOf } from "./app-armor.ts";
import { overlapWarnings } from "./overlap-warnings.ts";
import { portWarnings } from "./port-warnings.ts";

const oldAnnotations: readonly (readonly [string, string])[] = [
  [
    "scheduler.alpha.kubernetes.io/critical-pod",
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  ],
  ["security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
  [
    "security.alpha.kubernetes.io/unsafe-sysctls",
    'non-functional in v1.11+; use the "sysctls" field instead',
  ],
];

const oldVolumes: readonly (readonly [keyof Volume, string, string])[] = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
const appArmor = "container.apparmor.security.beta.kubernetes.io/";
const useSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';

/** For new pods only, since controllers and kubelets update pods frequently. */
export function podWarnings(pod: Pod, old?: Pod): string[] {
  if (old) return [];
  const name = isDns1123Label(pod.metadata?.name ?? "");
  return [
    ...(name.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${name.join(" ")}]`,
        ]
      : []),
    ...unnamedWarnings(pod),
  ];
}

/** Warnings that do not depend on the name, cached for all equal pods. */
function unnamedWarnings(pod: Pod): readonly string[] {
  const approval = lastApproval(pod);
  if (approval?.warnings) return approval.warnings;
  const { spec = { containers: [] } } = pod;
  const annotations = knownAnnotations(pod);
  const warnings = specWarnings("", annotations ? { annotations } : {}, spec, false);
  if (approval && !warnings.some(namesToken)) approval.warnings = warnings;
  return warnings;
}

/** For kinds whose pods are named after them. */
export function nameWarnings(metadata: ObjectMeta | undefined): string[] {
  const problems = isDns1123Label(metadata?.name ?? "");
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(" ")}]`,
  ];
}

interface Workload {
  metadata?: ObjectMeta;
  spec?: { template?: PodTemplateSpec };
}

/** For kinds with a pod template at spec.template, at creation and when the generation changes. */
export function workloadWarnings(object: Workload, old?: Workload): string[] {
  if (!old)
    return [...nameWarnings(object.metadata), ...templateWarnings("spec.template", object.spec?.template)];
  return isChanged(object, old) ? templateWarnings("spec.template", object.spec?.template) : [];
}

export const isChanged = (object: { metadata?: ObjectMeta }, old: { metadata?: ObjectMeta }): boolean =>
  object.metadata?.generation !== old.metadata?.generation;

/** `path`: of the template. */
export const templateWarnings = (path: string, template: PodTemplateSpec | undefined): string[] =>
  template
    ? specWarnings(`${path}.`, template.metadata ?? {}, template.spec ?? { containers: [] }, true)
    : [];

/** `path`: of the pod or template with a dot, or "". The order is Kubernetes'. */
function specWarnings(path: string, metadata: ObjectMeta, spec: PodSpec, isTemplate: boolean): string[] {
  const warnings: string[] = [];
  const warn: Warn = (where, what) => {
    warnings.push(`${path}${where}: ${what}`);
  };
  const annotations = metadata.annotations ?? {};
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const text = oldNodeLabels[key];
    if (text) warn(`spec.nodeSelector[${key}]`, text);
  }
  nodeAffinity(spec, warn);
  topologySpread(spec, warn);
  for (const [key, text] of oldAnnotations) {
    if (annotations[key] !== undefined) warn(`metadata.annotations[${key}]`, text);
  }
  spec.volumes?.forEach((volume, i) => warnings.push(...volumeWarnings(`${path}spec.volumes[${i}]`, volume)));
  warnings.push(...overlapWarnings(spec.volumes ?? []));
  duplicates(spec, warn);
  for (const resource of sizes) fractional(spec.overhead, resource, "spec.overhead", warn);
  if (!spec.securityContext?.seccompProfile && annotations[seccompPod] !== undefined) {
    warn(`metadata.annotations[${seccompPod}]`, useSeccomp);
  }
  for (const [container, at] of containersOf(spec)) {
    profileAnnotations(container, { spec, annotations, isTemplate }, warn);
    for (const resource of sizes) {
      fractional(container.resources?.limits, resource, `${at}.resources.limits`, warn);
      fractional(container.resources?.requests, resource, `${at}.resources.requests`, warn);
    }
    environment(container, at, warn);
  }
  warnings.push(...portWarnings(path, containersOf(spec)));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warn(
      "spec.terminationGracePeriodSeconds",
      "must be >= 0; negative values are invalid and will be treated as 1",
    );
  }
  podAffinity(spec, warn);
  spec.dnsConfig?.nameservers?.forEach((address, i) => {
    warnings.push(...addressWarnings(`${path}spec.dnsConfig.nameservers[${i}]`, address));
  });
  spec.hostAliases?.forEach(({ ip }, i) => {
    warnings.push(...addressWarnings(`${path}spec.hostAliases[${i}].ip`, ip));
  });
  return warnings;
}

/** Resources in bytes. */
const sizes = ["memory", "ephemeral-storage"] as const;

function topologySpread({ topologySpreadConstraints = [] }: PodSpec, warn: Warn): void {
  topologySpreadConstraints.forEach(({ topologyKey, labelSelector }, i) => {
    const at = `spec.topologySpreadConstraints[${i}]`;
    const text = oldNodeLabels[topologyKey];
    if (text) warn(`${at}.topologyKey`, `${topologyKey} is ${text}`);
    if (!labelSelector) warn(`${at}.labelSelector`, selectsNothing);
  });
}

function volumeWarnings(path: string, volume: Volume): string[] {
  const old = oldVolumes
    .filter(([member]) => volume[member] !== undefined)
    .map(([, shown, text]) => `${path}.${shown}: ${text}`);
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  return claim ? [...old, ...claimSpecWarnings(`${path}.ephemeral.volumeClaimTemplate.spec`, claim)] : old;
}

interface ProfileContext {
  spec: PodSpec;
  annotations: Readonly<Record<string, string>>;
  isTemplate: boolean;
}

/** Annotations replaced by fields of the container's securityContext. */
function profileAnnotations(
  { name, securityContext }: Container,
  { spec, annotations, isTemplate }: ProfileContext,
  warn: Warn,
): void {
  if (!securityContext?.seccompProfile && annotations[seccompContainer + name] !== undefined) {
    warn(`metadata.annotations[${seccompContainer}${name}]`, useSeccomp);
  }
  const profile = annotations[appArmor + name];
  if (!isTemplate || profile === undefined || securityContext?.appArmorProfile) return;
  if (sameProfile(spec, profile)) return;
  warn(
    `metadata.annotations[${appArmor}${name}]`,
    'deprecated since v1.30; use the "appArmorProfile" field instead',
  );
}

type Warn = (where: string, what: string) => void;
const selectsNothing = "a null labelSelector results in matching no pod";

/** Init containers, containers and ephemeral containers, with their paths. */
function containersOf(spec: PodSpec): [Container, string][] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    ((spec[list] ?? []) as Container[]).map((each, i): [Container, string] => [each, `spec.${list}[${i}]`]),
  );
}

function nodeAffinity({ affinity }: PodSpec, warn: Warn): void {
  const node = affinity?.nodeAffinity;
  const at = "spec.affinity.nodeAffinity";
  const term = (
    { matchExpressions = [] }: NodeSelectorTerm = {},
    where: string,
    checksValues: boolean,
  ): void => {
    matchExpressions.forEach(({ key, values = [] }, i) => {
      const text = oldNodeLabels[key];
      if (text) warn(`${where}.matchExpressions[${i}].key`, `${key} is ${text}`);
      if (!checksValues) return;
      values.forEach((value, k) => {
        for (const problem of isLabelValue(value)) {
          warn(`${where}.matchExpressions[${i}].values[${k}]`, `${value} is invalid, ${problem}`);
        }
      });
    });
  };
  node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((each, i) =>
    term(each, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`, false),
  );
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, i) =>
    term(preference, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, true),
  );
}

function podAffinity({ affinity }: PodSpec, warn: Warn): void {
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    const check = ({ labelSelector }: Partial<PodAffinityTerm> = {}, where: string): void => {
      if (!labelSelector) warn(`spec.affinity.${kind}.${where}.labelSelector`, selectsNothing);
    };
    affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((each, i) =>
      check(each, `requiredDuringSchedulingIgnoredDuringExecution[${i}]`),
    );
    affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((each, i) =>
      check(each.podAffinityTerm, `preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`),
    );
  }
}

function duplicates({ hostAliases = [], imagePullSecrets = [] }: PodSpec, warn: Warn): void {
  for (const i of repeatsIn(hostAliases.map(({ ip }) => ip)))
    warn(`spec.hostAliases[${i}].ip`, `duplicate ip ${JSON.stringify(hostAliases[i]?.ip)}`);
  const names = imagePullSecrets.map(({ name }) => name ?? "");
  for (const i of repeatsIn(names))
    warn(`spec.imagePullSecrets[${i}].name`, `duplicate name ${JSON.stringify(names[i])}`);
  names.forEach((name, i) => {
    if (name === "") warn(`spec.imagePullSecrets[${i}].name`, 'invalid empty name ""');
  });
}

/** Fractional; or so large that Kubernetes' thousandths overflow. */
const isFractional = (amount: string): boolean => thousandths(amount) % 1000n !== 0n;

function fractional(
  amounts: Readonly<Record<string, string>> | undefined,
  resource: string,
  where: string,
  warn: Warn,
): void {
  const amount = amounts?.[resource];
  if (amount === undefined || !isFractional(amount)) return;
  warn(
    `${where}[${resource}]`,
    `fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`,
  );
}

/** For claims and claim templates. */
export function claimSpecWarnings(path: string, { resources }: PersistentVolumeClaimSpec): string[] {
  const warnings: string[] = [];
  const warn: Warn = (where, what) => warnings.push(`${where}: ${what}`);
  fractional(resources?.requests, "storage", `${path}.resources.requests`, warn);
  fractional(resources?.limits, "storage", `${path}.resources.limits`, warn);
  return warnings;
}

function environment({ env = [] }: Container, at: string, warn: Warn): void {
  const seen = new Set<string>();
  env.forEach(({ name, value = "", valueFrom }, i) => {
    const reference = `$(${name})`;
    const extends_ = !valueFrom && value !== reference && value.includes(reference);
    if (seen.has(name) && !extends_) {
      warn(
        `${at}.env[${i}]`,
        `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      );
    }
    seen.add(name);
  });
}

/** Whether the pod's field agrees with the annotation. */
function sameProfile({ securityContext }: PodSpec, annotation: string): boolean {
  const profile = securityContext?.appArmorProfile;
  return profile !== undefined && deepEqual(profile, profileOf(annotation));
}
