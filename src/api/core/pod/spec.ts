/** Validation of pod specs and pod templates. All errors are reported, not only the first. */
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
  wholeObject,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { HostAlias, Pod, PodDNSConfig, PodSpec, PodTemplateSpec } from "../../generated/types.ts";
import { internalForm } from "../../internal-form.ts";
import type { ObjectMeta } from "../../meta.ts";
import { validateAnnotations, validateLabels } from "../../metadata.ts";
import { legacyAddressProblems } from "../address-rules.ts";
import { approvalOf, approve, isSettled, knownAnnotations, settle, textOfRules } from "./approved.ts";
import { mirror, validateAnnotationsMatch, validatePodAnnotations } from "./annotations.ts";
import { validateContainers, validateHostNetwork, validateImageSpaces } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { validateFileVolumes } from "./environment.ts";
import { validateAffinity, validateSpread, validateTolerations } from "./placement.ts";
import { validatePodResources, validateResources } from "./resources.ts";
import { validateHostProcess, validateHostUsers, validateOs, validatePodSecurity } from "./security.ts";
import { validateVolumes } from "./volumes.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const preemptionPolicies = ["PreemptLowerPriority", "Never"];

const underscoredLabel = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const underscored = `${underscoredLabel}(\\.${underscoredLabel})*`;
const underscoredText = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${underscored}')`;
const isUnderscored = new RegExp(`^${underscored}$`);

/** A DNS search domain: underscores are allowed, and a dot at the end. */
function searchTexts(name: string): string[] {
  if (name === ".") return [];
  const bare = name.replace(/\.$/, "");
  const texts = bare.length > 253 ? ["must be no more than 253 characters"] : [];
  return isUnderscored.test(bare) ? texts : [...texts, underscoredText];
}

function validateDns(
  config: PodDNSConfig | undefined,
  policy: string | undefined,
  path: string,
  errors: FieldError[],
): void {
  const { nameservers = [], searches = [], options = [] } = config ?? {};
  if (policy === "None" && nameservers.length === 0) {
    errors.push(
      config
        ? required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")
        : required(path, "must provide `dnsConfig` when `dnsPolicy` is None"),
    );
    return;
  }
  if (nameservers.length > 3)
    errors.push(invalid(`${path}.nameservers`, nameservers, "must not have more than 3 nameservers"));
  for (const [i, each] of nameservers.entries())
    errors.push(...legacyAddressProblems(`${path}.nameservers[${i}]`, each));
  const here = `${path}.searches`;
  if (searches.length > 32) errors.push(invalid(here, searches, "must not have more than 32 search paths"));
  if (searches.join(" ").length > 2048) {
    const text = "must not have more than 2048 characters (including spaces) in the search list";
    errors.push(invalid(here, searches, text));
  }
  for (const [i, name] of searches.entries())
    for (const text of searchTexts(name))
      errors.push(invalid(`${here}[${i}]`, name.replace(/\.$/, ""), text));
  for (const [i, option] of options.entries())
    if (!option.name) errors.push(required(`${path}.options[${i}]`, "must not be empty"));
}

function validateAliases(aliases: readonly HostAlias[] = [], path: string, errors: FieldError[]): void {
  for (const [i, alias] of aliases.entries()) {
    errors.push(...legacyAddressProblems(`${path}[${i}].ip`, alias.ip ?? ""));
    for (const [j, name] of (alias.hostnames ?? []).entries())
      for (const text of isDns1123Subdomain(name))
        errors.push(invalid(`${path}[${i}].hostnames[${j}]`, name, text));
  }
}

type Rule = (value: string) => readonly string[];

function names(value: string | undefined, rule: Rule, path: string, errors: FieldError[]): void {
  if (value) for (const text of rule(value)) errors.push(invalid(path, value, text));
}

/** A required enum value. */
function oneOf(value: string | undefined, all: readonly string[], path: string, errors: FieldError[]): void {
  if (!value) errors.push(required(path));
  else if (!all.includes(value)) errors.push(notSupported(path, value, all));
}

/** Names of the pod's claims. */
function validateClaims(
  spec: PodSpec,
  metadata: ObjectMeta | undefined,
  path: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, claim] of (spec.resourceClaims ?? []).entries()) {
    if (metadata?.annotations?.[mirror] !== undefined) {
      errors.push(forbidden(wholeObject, "static pods do not support resource claims"));
      continue;
    }
    const here = `${path}[${i}]`;
    const { name, resourceClaimName: one, resourceClaimTemplateName: template } = claim;
    if (!name) errors.push(required(`${here}.name`));
    else if (seen.has(name)) errors.push(duplicate(`${here}.name`, name));
    else {
      names(name, isDns1123Label, `${here}.name`, errors);
      seen.add(name);
    }
    const shown = internalForm("core.PodResourceClaim", claim);
    if (one !== undefined && template !== undefined) {
      const text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
      errors.push(invalid(here, shown, text));
    }
    if (one === undefined && template === undefined) {
      const text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
      errors.push(invalid(here, shown, text));
    }
    for (const [field, value] of [
      ["resourceClaimName", one],
      ["resourceClaimTemplateName", template],
    ] as const)
      if (value !== undefined)
        for (const text of isDns1123Subdomain(value)) errors.push(invalid(`${here}.${field}`, value, text));
  }
}

function validateGates(spec: PodSpec, path: string, errors: FieldError[]): void {
  for (const [i, { conditionType = "" }] of (spec.readinessGates ?? []).entries())
    for (const text of isQualifiedName(conditionType))
      errors.push(invalid(`${path}.readinessGates[${i}].conditionType`, conditionType, text));
  const seen = new Set<string>();
  for (const [i, { name = "" }] of (spec.schedulingGates ?? []).entries()) {
    const here = `${path}.schedulingGates[${i}]`;
    for (const text of isQualifiedName(name)) errors.push(invalid(here, name, text));
    if (seen.has(name)) errors.push(duplicate(here, name));
    seen.add(name);
  }
}

function validateHostname(spec: PodSpec, path: string, errors: FieldError[]): void {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  if (spec.setHostnameAsFQDN)
    errors.push(forbidden(path, "may not be specified when setHostnameAsFQDN is true"));
  if (spec.hostNetwork) errors.push(forbidden(path, "may not be specified when hostNetwork is true"));
  if (name.length > 64) errors.push(tooLong(path, 64));
  for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
}

const maxSeconds = 2147483647;

/** Pod-level rules, after those of its containers. */
function validateWhole(spec: PodSpec, path: string, errors: FieldError[], { old }: PodContext): void {
  oneOf(spec.restartPolicy, restartPolicies, `${path}.restartPolicy`, errors);
  oneOf(spec.dnsPolicy, dnsPolicies, `${path}.dnsPolicy`, errors);
  validateLabels(spec.nodeSelector, `${path}.nodeSelector`, errors);
  validatePodSecurity(spec, `${path}.securityContext`, errors, old);
  validateAffinity(spec.affinity, `${path}.affinity`, errors, old?.affinity);
  validateDns(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`, errors);
  validateGates(spec, path, errors);
  const spread = spec.topologySpreadConstraints;
  validateSpread(spread, `${path}.topologySpreadConstraints`, errors, old?.topologySpreadConstraints);
  validateHostProcess(spec, path, errors);
  validateHostUsers(spec, path, errors, old);
  validateHostname(spec, `${path}.hostnameOverride`, errors);
  names(spec.serviceAccountName, isDns1123Subdomain, `${path}.serviceAccountName`, errors);
  names(spec.nodeName, isDns1123Subdomain, `${path}.nodeName`, errors);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxSeconds)) {
    const text = `must be between 1 and ${maxSeconds}, inclusive`;
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, text));
  }
  names(spec.hostname, isDns1123Label, `${path}.hostname`, errors);
  names(spec.subdomain, isDns1123Label, `${path}.subdomain`, errors);
  validateTolerations(spec.tolerations, `${path}.tolerations`, errors);
  validateAliases(spec.hostAliases, `${path}.hostAliases`, errors);
  names(spec.priorityClassName, isDns1123Subdomain, `${path}.priorityClassName`, errors);
  const runtime = spec.runtimeClassName;
  if (runtime !== undefined)
    for (const text of isDns1123Subdomain(runtime))
      errors.push(invalid(`${path}.runtimeClassName`, runtime, text));
  if (spec.preemptionPolicy !== undefined)
    oneOf(spec.preemptionPolicy, preemptionPolicies, `${path}.preemptionPolicy`, errors);
  if (spec.overhead) validateResources({ limits: spec.overhead }, `${path}.overhead`, errors);
  validateOs(spec, path, errors);
  validateFileVolumes(spec, path, errors);
}

function validatePodSpec(spec: PodSpec, path: string, errors: FieldError[], context: PodContext): void {
  if (spec.terminationGracePeriodSeconds === undefined)
    errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = validateVolumes(spec, `${path}.volumes`, errors, context);
  const claims = new Set((spec.resourceClaims ?? []).map((each) => each.name).filter((name) => name));
  validateClaims(spec, context.metadata, `${path}.resourceClaims`, errors);
  validateContainers(spec, volumes, claims, path, errors, context);
  validatePodResources(spec, claims, `${path}.resources`, errors);
  validateHostNetwork(spec, path, errors, context);
  validateWhole(spec, path, errors, context);
}

/**
 * Everything of a pod except its metadata. `old`: at an update: existing errors may stay, and what is valid in a new pod is
 * valid in an updated one.
 */
export function validatePod(pod: Pod, old?: Pod): FieldError[] {
  const spec = pod.spec ?? { containers: [] };
  const annotations = knownAnnotations(pod);
  const same = old !== undefined && spec === old.spec;
  if (same && isSettled(spec, annotations)) return [];
  const text = textOfRules(spec, annotations);
  if (text !== undefined && approvalOf(pod, text)) {
    if (same) settle(spec, annotations);
    return [];
  }
  const { name } = pod.metadata ?? {};
  const judged: ObjectMeta = {
    ...(name === undefined ? {} : { name }),
    ...(annotations ? { annotations } : {}),
  };
  if (text === undefined) return mistakesIn(spec, judged, old);
  const errors = mistakesIn(spec, judged, undefined);
  if (errors.length === 0) approve(pod, text);
  return old && errors.length > 0 ? mistakesIn(spec, judged, old) : errors;
}

/** `metadata`: the part that rules may use. */
function mistakesIn(spec: PodSpec, metadata: ObjectMeta, old: Pod | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const path = "metadata.annotations";
  validatePodAnnotations(metadata.annotations, spec, path, errors, old?.metadata?.annotations);
  validatePodSpec(spec, "spec", errors, { isPod: true, metadata, old: old?.spec });
  if (!spec.serviceAccountName) {
    for (const [i, volume] of (spec.volumes ?? []).entries()) {
      for (const [j, source] of (volume.projected?.sources ?? []).entries()) {
        if (!source.serviceAccountToken) continue;
        const here = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
        errors.push(forbidden(here, "must not be specified when serviceAccountName is not set"));
      }
    }
  }
  validateImageSpaces(spec, "spec", errors);
  return errors;
}

/** Rules at creation only. */
export function validateNewPod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (pod.spec?.ephemeralContainers?.length)
    errors.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (pod.spec?.nodeName && pod.spec.schedulingGates?.length)
    errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  if (pod.spec) validateAnnotationsMatch(pod.metadata?.annotations, pod.spec, "spec", errors);
  return errors;
}

/** `old`: the old template: its errors may stay. */
export function validatePodTemplate(
  template: PodTemplateSpec,
  path: string,
  errors: FieldError[],
  old?: PodTemplateSpec,
): void {
  validateLabels(template.metadata?.labels, `${path}.labels`, errors);
  validateAnnotations(template.metadata?.annotations, `${path}.annotations`, errors);
  const spec = template.spec ?? { containers: [] };
  const annotations = template.metadata?.annotations;
  validatePodAnnotations(annotations, spec, `${path}.annotations`, errors, old?.metadata?.annotations);
  const context: PodContext = { isPod: false, metadata: undefined, old: old?.spec };
  validatePodSpec(spec, `${path}.spec`, errors, context);
  validateAnnotationsMatch(annotations, spec, `${path}.spec`, errors);
  if (template.spec?.ephemeralContainers?.length) {
    const text = "ephemeral containers not allowed in pod template";
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, text));
  }
}
