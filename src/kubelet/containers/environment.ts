import type { ConfigMap, EnvVar, Pod, Secret, Service } from "../../api/index.ts";
import { type AnyContainer, podNamespace } from "../pods/pod-key.ts";
import { ContainerStartError } from "./config-error.ts";
import { type DownwardContext, downwardField, downwardResource } from "./downward.ts";
import { expandVariables } from "./expansion.ts";
import { serviceEnvironment } from "./service-environment.ts";

/** Objects that values come from. Undefined: the object does not exist. */
export interface ObjectSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

export interface EnvironmentSource extends ObjectSource {
  services(): Promise<readonly Service[]>;
}

/**
 * A container's variables in order: Services, then `envFrom`, then `env`; later ones have priority and may reference earlier
 * ones. Throws CreateContainerConfigError in Kubernetes' words when a source is missing.
 */
export async function containerEnvironment(
  pod: Pod,
  container: AnyContainer,
  source: EnvironmentSource,
  downward: DownwardContext,
): Promise<Map<string, string>> {
  const namespace = podNamespace(pod);
  const links = pod.spec?.enableServiceLinks ?? true;
  const services = serviceEnvironment(await source.services(), namespace, links);
  const env = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? "";
    if (from.configMapRef) {
      const { name = "", optional } = from.configMapRef;
      const map = await source.configMap(namespace, name);
      if (!map && !optional) throw missing("configmap", name);
      for (const [key, value] of Object.entries(map?.data ?? {})) env.set(prefix + key, value);
    } else if (from.secretRef) {
      const { name = "", optional } = from.secretRef;
      const secret = await source.secret(namespace, name);
      if (!secret && !optional) throw missing("secret", name);
      for (const [key, value] of Object.entries(secret?.data ?? {})) env.set(prefix + key, decodeText(value));
    }
  }
  const own = new Map<string, string>(env);
  const lookup = (name: string): string | undefined => own.get(name) ?? services.get(name);
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, container, source, downward, namespace, lookup);
    if (value !== undefined) own.set(variable.name, value);
  }
  const result = new Map<string, string>();
  for (const [name, value] of services) if (!own.has(name)) result.set(name, value);
  for (const [name, value] of own) result.set(name, value);
  return result;
}

async function valueOf(
  variable: EnvVar,
  container: AnyContainer,
  source: ObjectSource,
  downward: DownwardContext,
  namespace: string,
  lookup: (name: string) => string | undefined,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expandVariables(variable.value ?? "", lookup);
  if (from.fieldRef) {
    const value = downwardField(downward, from.fieldRef.fieldPath);
    if (value === undefined) {
      throw failure(`field label not supported: ${from.fieldRef.fieldPath}`);
    }
    return value;
  }
  if (from.resourceFieldRef) {
    const value = downwardResource(downward, from.resourceFieldRef, container);
    if (value === undefined) {
      throw failure(`unsupported container resource: ${from.resourceFieldRef.resource}`);
    }
    return value;
  }
  if (from.configMapKeyRef) {
    const { name = "", key, optional } = from.configMapKeyRef;
    const map = await source.configMap(namespace, name);
    if (!map && !optional) throw missing("configmap", name);
    const value = map?.data?.[key];
    if (value === undefined && !optional) {
      throw failure(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (from.secretKeyRef) {
    const { name = "", key, optional } = from.secretKeyRef;
    const secret = await source.secret(namespace, name);
    if (!secret && !optional) throw missing("secret", name);
    const value = secret?.data?.[key];
    if (value === undefined) {
      if (optional) return undefined;
      throw failure(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return decodeText(value);
  }
  return "";
}

function missing(kind: string, name: string): ContainerStartError {
  return failure(`${kind} "${name}" not found`);
}

function failure(message: string): ContainerStartError {
  return new ContainerStartError("CreateContainerConfigError", message);
}

function decodeText(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
