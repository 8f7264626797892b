import type { Container, Pod, PodSpec, ServiceAccount, Volume } from "../../api/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import { type Clock, generateName, isPathSegmentName, StatusError } from "../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import { podOf } from "./pod-of.ts";
import type { PluginContext } from "./context.ts";
import { refuse } from "./refuse.ts";
import {
  foreignSecret,
  foreignSecretOfEphemeral,
  referencedSecrets,
  restrictsSecrets,
} from "./pod-secrets.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
/** The lifetime by which the system's own tokens are recognized (KEP-1205). */
const tokenSeconds = 3607;
/** The default account is created shortly after its namespace. */
const waitMs = 1000;
const defaultName = "default";
const mirror = "kubernetes.io/config.mirror";

/** ServiceAccount: assigns an account to every pod, and mounts its token unless the account or the pod opts out. */
export function serviceAccount({ caches, clock, random }: PluginContext): AdmissionPlugin {
  const find = (namespace: string, name: string): ServiceAccount | undefined =>
    caches.get<ServiceAccount>("", "serviceaccounts", namespace, name);
  const missing = (request: AdmissionRequest, name: string): Error => {
    const wrong = isPathSegmentName(name);
    const why =
      wrong.length > 0
        ? `invalid resource name ${JSON.stringify(name)}: [${wrong.join(" ")}]`
        : `serviceaccount "${name}" not found`;
    return refuse(request, `error looking up service account ${request.namespace}/${name}: ${why}`);
  };
  return {
    name: "ServiceAccount",
    async admit(request) {
      const pod = podOf(request);
      if (!pod?.spec || request.operation !== "CREATE") return;
      if (pod.metadata?.annotations?.[mirror] !== undefined) return checkMirror(request, pod);
      pod.spec.serviceAccountName ||= defaultName;
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const name = pod.spec.serviceAccountName;
      let account = find(request.namespace, name);
      // A controller creates the default account shortly after its namespace.
      if (!account && name === defaultName) account = await appears(caches, clock, request.namespace, name);
      if (!account) throw missing(request, name);
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        mountToken(pod, random);
      }
      if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({
          ...(secret === undefined ? {} : { name: secret }),
        }));
      }
      checkSecrets(request, pod, account);
    },
    validate(request) {
      const { resource, subresource, operation, namespace } = request;
      if (resource.def.group !== "" || resource.def.kind !== "Pod") return;
      const pod = request.object as Pod;
      const adds = operation === "UPDATE" && subresource === "ephemeralcontainers";
      if (!adds && (operation !== "CREATE" || subresource !== "")) return;
      if (!adds && pod.metadata?.annotations?.[mirror] !== undefined) return checkMirror(request, pod);
      const name = pod.spec?.serviceAccountName;
      if (!name)
        throw refuse(
          request,
          `no service account specified for pod ${namespace}/${pod.metadata?.name ?? ""}`,
        );
      const account = find(namespace, name);
      if (!account) throw missing(request, name);
      if (adds) checkEphemeral(pod, account);
      else checkSecrets(request, pod, account);
    },
  };
}

function checkSecrets(request: AdmissionRequest, pod: Pod, account: ServiceAccount): void {
  const problem = restrictsSecrets(account) ? foreignSecret(pod, account) : undefined;
  if (problem) throw refuse(request, problem);
}

function checkEphemeral(pod: Pod, account: ServiceAccount): void {
  const problem = restrictsSecrets(account) ? foreignSecretOfEphemeral(pod, account) : undefined;
  // Kubernetes answers without a reason.
  if (problem) throw new StatusError("", problem, { code: 500 });
}

/** Mirror pods represent static pods, which cannot use API objects. */
function checkMirror(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec?.serviceAccountName) throw refuse(request, "a mirror pod may not reference service accounts");
  if (referencedSecrets(pod).length > 0) throw refuse(request, "a mirror pod may not reference secrets");
  for (const { projected } of pod.spec?.volumes ?? []) {
    if (projected?.sources?.some((source) => source.serviceAccountToken)) {
      throw refuse(request, "a mirror pod may not use ServiceAccountToken volume projections");
    }
  }
}

function appears(
  caches: ObjectCaches,
  clock: Clock,
  namespace: string,
  name: string,
): Promise<ServiceAccount | undefined> {
  return new Promise((resolve) => {
    const finish = (found: ServiceAccount | undefined): void => {
      stop();
      timer.stop();
      resolve(found);
    };
    const timer = clock.timer(waitMs, () => finish(undefined));
    const stop = caches.onChange<ServiceAccount>("", "serviceaccounts", (type, object) => {
      if (type === "deleted" || object.metadata?.namespace !== namespace) return;
      if (object.metadata.name === name) finish(object);
    });
  });
}

function mountToken(pod: Pod, random: () => number): void {
  const spec = pod.spec as PodSpec;
  const containers: Container[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const without = containers.filter(
    (each) => !each.volumeMounts?.some((mount) => mount.mountPath === mountPath),
  );
  if (without.length === 0) return;
  let volume = spec.volumes?.find((each) => each.name?.startsWith("kube-api-access-"));
  if (!volume) {
    volume = tokenVolume(generateName("kube-api-access-", random));
    spec.volumes = [...(spec.volumes ?? []), volume];
  }
  for (const container of without) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume.name, readOnly: true, mountPath },
    ];
  }
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
});
