/** Environment variables of containers, and the fields and resources a container may read about itself. */
import {
  invalid,
  isConfigMapKey,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  EnvFromSource,
  EnvVar,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from "../../generated/types.ts";

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

export function validateFieldRef(
  ref: ObjectFieldSelector,
  allowed: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (!ref.apiVersion) errors.push(required(`${path}.apiVersion`));
  else if (!ref.fieldPath) errors.push(required(`${path}.fieldPath`));
  else {
    const subscript = /^(.+)\['([^']*)'\]$/.exec(ref.fieldPath);
    if (subscript) {
      const [, base = "", name = ""] = subscript;
      if (base === "metadata.annotations") {
        for (const text of isQualifiedName(name.toLowerCase())) errors.push(invalid(path, name, text));
      } else if (base === "metadata.labels") {
        for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
      } else errors.push(invalid(path, base, "does not support subscript"));
    } else if (!allowed.includes(ref.fieldPath)) {
      if (knownFields.test(ref.fieldPath))
        errors.push(notSupported(`${path}.fieldPath`, ref.fieldPath, allowed));
      else {
        errors.push(
          invalid(
            `${path}.fieldPath`,
            ref.fieldPath,
            `error converting fieldPath: field label not supported: ${ref.fieldPath}`,
          ),
        );
      }
    }
  }
}

/** Field labels of pods that exist at all; others cannot even be converted. */
const knownFields =
  /^(metadata\.(name|namespace|uid|labels|annotations)|spec\.(nodeName|restartPolicy|schedulerName|serviceAccountName|hostNetwork)|status\.(phase|podIPs?|hostIPs?|nominatedNodeName))$/;

export function validateResourceRef(
  ref: ResourceFieldSelector,
  volume: boolean,
  path: string,
  errors: FieldError[],
): void {
  if (volume && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (!ref.resource) errors.push(required(`${path}.resource`));
  else if (!resourceNames.includes(ref.resource) && !isHugePages(ref.resource)) {
    errors.push(notSupported(`${path}.resource`, ref.resource, resourceNames));
  }
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
    if (!ref.name) errors.push(required(`${path}.${name}.name`));
    else
      for (const text of isDns1123Subdomain(ref.name))
        errors.push(invalid(`${path}.${name}.name`, ref.name, text));
    if (!ref.key) errors.push(required(`${path}.${name}.key`));
    else
      for (const text of isConfigMapKey(ref.key)) errors.push(invalid(`${path}.${name}.key`, ref.key, text));
  }
  if (from.fileKeyRef) sources++;
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
        for (const text of isDns1123Subdomain(ref.name))
          errors.push(invalid(`${here}.${name}.name`, ref.name, text));
    }
    if (!each.configMapRef && !each.secretRef) {
      errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (each.configMapRef && each.secretRef) {
      errors.push(invalid(path, "", "may not have more than one field specified at a time"));
    }
  }
}
