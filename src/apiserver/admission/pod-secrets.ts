/** Which secrets a pod refers to, and whether its ServiceAccount allows them. Pure. */
import type { Container, Pod, ServiceAccount } from "../../api/index.ts";
import { parseBool } from "../../machinery/index.ts";

const enforce = "kubernetes.io/enforce-mountable-secrets";

/** Whether pods of this account may use only the secrets it lists. */
export const restrictsSecrets = (account: ServiceAccount): boolean =>
  parseBool(account.metadata?.annotations?.[enforce] ?? "") ?? false;

/** The first secret that the account does not list, in Kubernetes' words. */
export function foreignSecret(pod: Pod, account: ServiceAccount): string | undefined {
  const { volumes = [], initContainers = [], containers = [], imagePullSecrets = [] } = pod.spec ?? {};
  const allowed = names(account.secrets);
  for (const { secret } of volumes) {
    if (secret && !allowed.has(secret.secretName ?? "")) {
      return `volume with secret.secretName="${secret.secretName ?? ""}" is not allowed because ${notListed(account)}`;
    }
  }
  const problem =
    inEnvironment("init container", initContainers, account) ??
    inEnvironment("container", containers, account);
  if (problem) return problem;
  const pulls = names(account.imagePullSecrets);
  const at = imagePullSecrets.findIndex(({ name = "" }) => !pulls.has(name));
  if (at < 0) return undefined;
  const name = account.metadata?.name;
  return `imagePullSecrets[${at}].name="${imagePullSecrets[at]?.name ?? ""}" is not allowed because service account ${name} does not reference that imagePullSecret`;
}

export const foreignSecretOfEphemeral = (pod: Pod, account: ServiceAccount): string | undefined =>
  inEnvironment("ephemeral container", (pod.spec?.ephemeralContainers ?? []) as Container[], account);

const names = (references: readonly { name?: string }[] = []): Set<string> =>
  new Set(references.map(({ name = "" }) => name));

const notListed = (account: ServiceAccount): string =>
  `service account ${account.metadata?.name} does not reference that secret`;

function inEnvironment(
  kind: string,
  containers: readonly Container[],
  account: ServiceAccount,
): string | undefined {
  const allowed = names(account.secrets);
  for (const { name, env = [], envFrom = [] } of containers) {
    for (const { name: variable, valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef;
      if (secret && !allowed.has(secret.name ?? "")) {
        return `${kind} ${name} with envVar ${variable} referencing secret.secretName="${secret.name ?? ""}" is not allowed because ${notListed(account)}`;
      }
    }
    for (const { secretRef } of envFrom) {
      if (secretRef && !allowed.has(secretRef.name ?? "")) {
        return `${kind} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ""}" is not allowed because ${notListed(account)}`;
      }
    }
  }
  return undefined;
}

/** Every secret that the pod refers to. */
export function referencedSecrets({ spec }: Pod): string[] {
  const all = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...((spec?.ephemeralContainers ?? []) as Container[]),
  ];
  const volumes = spec?.volumes ?? [];
  return [
    ...(spec?.imagePullSecrets ?? []).map((each) => each.name),
    ...all.flatMap(({ env = [] }) => env.map((each) => each.valueFrom?.secretKeyRef?.name)),
    ...all.flatMap(({ envFrom = [] }) => envFrom.map((each) => each.secretRef?.name)),
    ...volumes.flatMap((each) => [
      each.azureFile?.secretName,
      each.cephfs?.secretRef?.name,
      each.cinder?.secretRef?.name,
      each.csi?.nodePublishSecretRef?.name,
      each.flexVolume?.secretRef?.name,
      each.iscsi?.secretRef?.name,
      each.rbd?.secretRef?.name,
      each.scaleIO?.secretRef?.name,
      each.secret?.secretName,
      each.storageos?.secretRef?.name,
      ...(each.projected?.sources ?? []).map((source) => source.secret?.name),
    ]),
  ].filter((name): name is string => !!name);
}

/** Every ConfigMap that the pod refers to in environments or volumes. */
export function referencedConfigMaps({ spec }: Pod): string[] {
  const all = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...((spec?.ephemeralContainers ?? []) as Container[]),
  ];
  return [
    ...all.flatMap(({ env = [] }) => env.map((each) => each.valueFrom?.configMapKeyRef?.name)),
    ...all.flatMap(({ envFrom = [] }) => envFrom.map((each) => each.configMapRef?.name)),
    ...(spec?.volumes ?? []).flatMap((each) => [
      each.configMap?.name,
      ...(each.projected?.sources ?? []).map((source) => source.configMap?.name),
    ]),
  ].filter((name): name is string => !!name);
}
