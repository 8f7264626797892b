/** Rules of a pod's spec, and of the template of a workload. Every mistake is named, not only the first. */
import { validateSysctls } from "./sysctls.ts";
import {
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { HostAlias, Pod, PodDNSConfig, PodSpec, PodTemplateSpec } from "../../generated/types.ts";
import { validateAnnotations, validateLabels } from "../../metadata.ts";
import { isAddress } from "../address.ts";
import { validateContainers, validateId } from "./containers.ts";
import { validateAffinity, validateSpread, validateTolerations } from "./placement.ts";
import { validateQuantity, validateResources } from "./resources.ts";
import { validateVolumes } from "./volumes.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

function validateDns(
  config: PodDNSConfig | undefined,
  policy: string | undefined,
  path: string,
  errors: FieldError[],
): void {
  if (policy === "None") {
    if (!config) errors.push(required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
    else if (!config.nameservers?.length) {
      errors.push(
        required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"),
      );
    }
  }
  if (!config) return;
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > 3) {
    errors.push(invalid(`${path}.nameservers`, nameservers, "must not have more than 3 nameservers"));
  }
  for (const [i, each] of nameservers.entries()) {
    if (!isAddress(each)) errors.push(invalid(`${path}.nameservers[${i}]`, each, addressText));
  }
  if (searches.length > 32)
    errors.push(invalid(`${path}.searches`, searches, "must not have more than 32 search paths"));
  if (searches.join(" ").length > 2048) {
    errors.push(
      invalid(
        `${path}.searches`,
        searches,
        "must not have more than 2048 characters (including spaces) in the search list",
      ),
    );
  }
  for (const [i, option] of options.entries()) {
    if (!option.name) errors.push(required(`${path}.options[${i}]`, "must not be empty"));
  }
}

const addressText = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

function validateAliases(
  aliases: readonly HostAlias[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, alias] of (aliases ?? []).entries()) {
    if (!isAddress(alias.ip)) errors.push(invalid(`${path}[${i}].ip`, alias.ip ?? "", addressText));
    for (const [j, name] of (alias.hostnames ?? []).entries()) {
      for (const text of isDns1123Subdomain(name))
        errors.push(invalid(`${path}[${i}].hostnames[${j}]`, name, text));
    }
  }
}

function validateSecurity(spec: PodSpec, path: string, errors: FieldError[]): void {
  const context = spec.securityContext ?? {};
  const here = `${path}.securityContext`;
  validateId(context.fsGroup, `${here}.fsGroup`, errors);
  validateId(context.runAsUser, `${here}.runAsUser`, errors);
  validateId(context.runAsGroup, `${here}.runAsGroup`, errors);
  for (const [i, group] of (context.supplementalGroups ?? []).entries()) {
    validateId(group, `${here}.supplementalGroups[${i}]`, errors);
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(
      invalid(
        `${here}.shareProcessNamespace`,
        true,
        "ShareProcessNamespace and HostPID cannot both be enabled",
      ),
    );
  }
  validateSysctls(spec, `${here}.sysctls`, errors);
  const change = context.fsGroupChangePolicy;
  if (change !== undefined && change !== "Always" && change !== "OnRootMismatch") {
    errors.push(notSupported(`${here}.fsGroupChangePolicy`, change, ["Always", "OnRootMismatch"]));
  }
  if (spec.hostUsers === false) {
    if (spec.hostNetwork) errors.push(forbidden(`${path}.hostNetwork`, "when `hostUsers` is false"));
    if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, "when `hostUsers` is false"));
    if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, "when `hostUsers` is false"));
  }
}

function names(
  value: string | undefined,
  rule: (value: string) => readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (value) for (const text of rule(value)) errors.push(invalid(path, value, text));
}

export function validatePodSpec(spec: PodSpec, path: string, errors: FieldError[]): void {
  if (spec.terminationGracePeriodSeconds === undefined)
    errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = validateVolumes(spec.volumes, `${path}.volumes`, errors);
  validateContainers(spec, volumes, path, errors);
  if (spec.resources) validateResources(spec.resources, `${path}.resources`, errors);
  if (!spec.restartPolicy) errors.push(required(`${path}.restartPolicy`));
  else if (!restartPolicies.includes(spec.restartPolicy)) {
    errors.push(notSupported(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies));
  }
  if (!spec.dnsPolicy) errors.push(required(`${path}.dnsPolicy`));
  else if (!dnsPolicies.includes(spec.dnsPolicy)) {
    errors.push(notSupported(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies));
  }
  validateLabels(spec.nodeSelector, `${path}.nodeSelector`, errors);
  validateSecurity(spec, path, errors);
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if (Object.keys(secret).some((name) => name !== "name")) {
      errors.push(invalid(`${path}.imagePullSecrets[${i}]`, secret, "only name may be set"));
    }
  }
  validateAffinity(spec.affinity, `${path}.affinity`, errors);
  validateDns(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`, errors);
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    names(gate.conditionType, isQualifiedName, `${path}.readinessGates[${i}].conditionType`, errors);
  }
  const gates = new Set<string>();
  for (const [i, gate] of (spec.schedulingGates ?? []).entries()) {
    for (const text of isQualifiedName(gate.name ?? "")) {
      errors.push(invalid(`${path}.schedulingGates[${i}]`, gate.name ?? "", text));
    }
    if (gates.has(gate.name)) errors.push(duplicate(`${path}.schedulingGates[${i}]`, gate.name));
    gates.add(gate.name);
  }
  validateSpread(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`, errors);
  if (spec.hostnameOverride) {
    const here = `${path}.hostnameOverride`;
    if (spec.setHostnameAsFQDN)
      errors.push(forbidden(here, "may not be specified when setHostnameAsFQDN is true"));
    if (spec.hostNetwork) errors.push(forbidden(here, "may not be specified when hostNetwork is true"));
    if (spec.hostnameOverride.length > 64) errors.push(tooLong(here, 64));
    names(spec.hostnameOverride, isDns1123Subdomain, here, errors);
  }
  names(spec.serviceAccountName, isDns1123Subdomain, `${path}.serviceAccountName`, errors);
  names(spec.nodeName, isDns1123Subdomain, `${path}.nodeName`, errors);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647)) {
    errors.push(
      invalid(`${path}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive"),
    );
  }
  names(spec.hostname, isDns1123Label, `${path}.hostname`, errors);
  names(spec.subdomain, isDns1123Label, `${path}.subdomain`, errors);
  validateTolerations(spec.tolerations, `${path}.tolerations`, errors);
  validateAliases(spec.hostAliases, `${path}.hostAliases`, errors);
  names(spec.priorityClassName, isDns1123Subdomain, `${path}.priorityClassName`, errors);
  if (spec.runtimeClassName !== undefined) {
    for (const text of isDns1123Subdomain(spec.runtimeClassName)) {
      errors.push(invalid(`${path}.runtimeClassName`, spec.runtimeClassName, text));
    }
  }
  const preemption = spec.preemptionPolicy;
  if (preemption !== undefined && preemption !== "PreemptLowerPriority" && preemption !== "Never") {
    errors.push(notSupported(`${path}.preemptionPolicy`, preemption, ["PreemptLowerPriority", "Never"]));
  }
  for (const name in spec.overhead) {
    validateQuantity(name, spec.overhead[name] as string, `${path}.overhead[${name}]`, errors);
  }
  if (spec.os && spec.os.name !== "linux" && spec.os.name !== "windows") {
    if (!spec.os.name) errors.push(required(`${path}.os.name`));
    else errors.push(notSupported(`${path}.os.name`, spec.os.name, ["linux", "windows"]));
  }
}

export function validatePod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const spec = pod.spec ?? { containers: [] };
  validatePodSpec(spec, "spec", errors);
  if (!spec.serviceAccountName) {
    for (const [i, volume] of (spec.volumes ?? []).entries()) {
      for (const [j, source] of (volume.projected?.sources ?? []).entries()) {
        if (!source.serviceAccountToken) continue;
        errors.push(
          forbidden(
            `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
            "must not be specified when serviceAccountName is not set",
          ),
        );
      }
    }
  }
  return errors;
}

/** Checks that hold at creation alone. */
export function validateNewPod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (pod.spec?.ephemeralContainers?.length && !pod.metadata?.resourceVersion) {
    errors.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  }
  if (pod.spec?.nodeName && pod.spec.schedulingGates?.length) {
    errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return errors;
}

export function validatePodTemplate(template: PodTemplateSpec, path: string, errors: FieldError[]): void {
  validateLabels(template.metadata?.labels, `${path}.labels`, errors);
  validateAnnotations(template.metadata?.annotations, `${path}.annotations`, errors);
  validatePodSpec(template.spec ?? { containers: [] }, `${path}.spec`, errors);
  if (template.spec?.ephemeralContainers?.length) {
    errors.push(
      forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"),
    );
  }
}
