/** Environment variables of containers, including fieldRef and resourceFieldRef. */
import {
  canonicalQuantity,
  compareQuantity,
  invalid,
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
  notFound,
  notSupported,
  notSupportedText,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  EnvFromSource,
  EnvVar,
  FileKeySelector,
  ObjectFieldSelector,
  PodSpec,
  ResourceFieldSelector,
} from "../../generated/types.ts";
import { given } from "../../given.ts";

import { noBacksteps } from "../path-rules.ts";
import { containersOf } from "./resources.ts";

const environmentFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
export const volumeFields: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const resourceNames = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const isHugePages = (name: string): boolean => /^(limits|requests)\.hugepages-/.test(name);

/** Existing pod fields; others cannot be converted. */
const knownFields = new Set([
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.serviceAccountName",
  "spec.schedulerName",
  "status.phase",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);

/** `metadata.labels['a']`; the subscript may be anything. */
const subscripted = /^(.+?)\['(.*)'\]$/s;

/** Why a field path is invalid; undefined when it is valid. */
function conversionProblem({ apiVersion, fieldPath }: ObjectFieldSelector): string | undefined {
  if (apiVersion !== "v1") return `unsupported pod version: ${apiVersion}`;
  const base = subscripted.exec(fieldPath)?.[1];
  if (base !== undefined)
    return base === "metadata.annotations" || base === "metadata.labels"
      ? undefined
      : `field label does not support subscript: ${fieldPath}`;
  if (knownFields.has(fieldPath) || fieldPath === "spec.host") return undefined;
  return `field label not supported: ${fieldPath}`;
}

export function validateFieldRef(
  ref: ObjectFieldSelector,
  allowed: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (!ref.apiVersion || !ref.fieldPath) {
    errors.push(required(`${path}.${ref.apiVersion ? "fieldPath" : "apiVersion"}`));
    return;
  }
  const problem = conversionProblem(ref);
  const subscript = subscripted.exec(ref.fieldPath);
  // The first API version used host for nodeName.
  const field = ref.fieldPath === "spec.host" ? "spec.nodeName" : ref.fieldPath;
  if (problem)
    errors.push(invalid(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${problem}`));
  else if (subscript) {
    const [, base = "", name = ""] = subscript;
    const key = base === "metadata.annotations" ? name.toLowerCase() : name;
    for (const text of isQualifiedName(key)) errors.push(invalid(path, key, text));
  } else if (!allowed.includes(field)) errors.push(notSupportedText(`${path}.fieldPath`, field, allowed));
}

const cpuDivisors = ["1m", "1"];
const byteDivisors = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

function validateDivisor(
  { resource = "", divisor = "0" }: Partial<ResourceFieldSelector>,
  path: string,
  errors: FieldError[],
): void {
  const shown = canonicalQuantity(divisor);
  if (compareQuantity(shown, "0") === 0) return;
  const kind = resource.replace(/^(limits|requests)\./, "");
  const what: Record<string, string> = {
    cpu: "cpu",
    memory: "memory",
    "ephemeral-storage": "local ephemeral storage",
  };
  const name = isHugePages(resource) ? "hugepages" : kind === resource ? undefined : what[kind];
  if (!name) return;
  const good = name === "cpu" ? cpuDivisors : byteDivisors.split(", ");
  if (good.includes(shown)) return;
  const values = name === "cpu" ? "1m and 1" : byteDivisors;
  const text = `only divisor's values ${values} are supported with the ${name} resource`;
  errors.push(invalid(`${path}.divisor`, resource, text));
}

export function validateResourceRef(
  ref: ResourceFieldSelector,
  volume: boolean,
  path: string,
  errors: FieldError[],
): void {
  if (volume && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (!ref.resource) errors.push(required(`${path}.resource`));
  else if (!resourceNames.includes(ref.resource) && !isHugePages(ref.resource))
    errors.push(notSupported(`${path}.resource`, ref.resource, resourceNames));
  validateDivisor(ref, path, errors);
}

export function validateEnv(env: readonly EnvVar[] | undefined, path: string, errors: FieldError[]): void {
  for (const [i, each] of (env ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (!each.name) errors.push(required(`${here}.name`));
    else for (const text of isEnvVarName(each.name)) errors.push(invalid(`${here}.name`, each.name, text));
    if (each.valueFrom) validateSource(each, `${here}.valueFrom`, errors);
  }
}

function validateSource(variable: EnvVar, path: string, errors: FieldError[]): void {
  const from = variable.valueFrom ?? {};
  let sources = 0;
  if (from.fieldRef) {
    sources++;
    validateFieldRef(from.fieldRef, environmentFields, `${path}.fieldRef`, errors);
  }
  if (from.resourceFieldRef) {
    sources++;
    validateResourceRef(from.resourceFieldRef, false, `${path}.resourceFieldRef`, errors);
  }
  for (const name of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = from[name];
    if (!ref) continue;
    sources++;
    for (const text of isDns1123Subdomain(ref.name ?? ""))
      errors.push(invalid(`${path}.${name}.name`, ref.name ?? "", text));
    if (!ref.key) errors.push(required(`${path}.${name}.key`));
    else
      for (const text of isConfigMapKey(ref.key)) errors.push(invalid(`${path}.${name}.key`, ref.key, text));
  }
  if (from.fileKeyRef) {
    sources++;
    validateFileRef(from.fileKeyRef, `${path}.fileKeyRef`, errors);
  }
  if (sources === 0) {
    errors.push(
      invalid(
        path,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  } else if (variable.value) errors.push(invalid(path, "", "may not be specified when `value` is not empty"));
  else if (sources > 1)
    errors.push(invalid(path, "", "may not have more than one field specified at a time"));
}

/** Validated as the prefix of a name, which may end with a dash. */
const masked = (name: string): string =>
  name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;

/** A variable from a file that another container wrote. */
function validateFileRef(ref: FileKeySelector, path: string, errors: FieldError[]): void {
  if (!ref.key) errors.push(required(`${path}.key`));
  else for (const text of isEnvVarName(ref.key)) errors.push(invalid(`${path}.key`, ref.key, text));
  if (!ref.volumeName) errors.push(required(`${path}.volumeName`));
  else
    for (const text of isDns1123Label(ref.volumeName))
      errors.push(invalid(`${path}.volumeName`, ref.volumeName, text));
  if (!ref.path) errors.push(required(`${path}.path`));
  else noBacksteps(ref.path, `${path}.path`, errors);
}

/** The file's volume must be shared by the containers. */
export function validateFileVolumes(spec: PodSpec, path: string, errors: FieldError[]): void {
  const volumes = new Map((spec.volumes ?? []).map((each) => [each.name, each]));
  for (const [container, here] of containersOf(spec, path)) {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      if (!valueFrom?.fileKeyRef) continue;
      const { volumeName = "" } = given(valueFrom.fileKeyRef);
      const at = `${here}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(volumeName);
      if (!volume) errors.push(notFound(at, volumeName));
      else if (!volume.emptyDir)
        errors.push(invalid(at, volumeName, "referenced volume must be of type emptyDir"));
    }
  }
}

export function validateEnvFrom(
  all: readonly EnvFromSource[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, each] of (all ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (each.prefix) {
      for (const text of isEnvVarName(each.prefix)) errors.push(invalid(`${here}.prefix`, each.prefix, text));
    }
    for (const name of ["configMapRef", "secretRef"] as const) {
      const ref = each[name];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${here}.${name}.name`));
      else
        for (const text of isDns1123Subdomain(masked(ref.name)))
          errors.push(invalid(`${here}.${name}.name`, ref.name, text));
    }
    if (!each.configMapRef && !each.secretRef) {
      errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (each.configMapRef && each.secretRef) {
      errors.push(invalid(path, "", "may not have more than one field specified at a time"));
    }
  }
}
