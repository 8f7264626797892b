import type { Container, Pod, PodSpec, ServiceAccount, Volume } from "../../api/index.ts";
import type { Clock } from "../../machinery/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import { forbidden } from "../errors.ts";
import { generateName } from "../verbs/create.ts";
import type { AdmissionPlugin } from "./chain.ts";
import { podOf } from "./pod-of.ts";
import type { PluginContext } from "./context.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
/** An hour and a little: tokens of this lifetime are known to be the system's own (KEP-1205). */
const tokenSeconds = 3607;
/** A namespace's default account is made a moment after the namespace. */
const waitMs = 1000;
const mirror = "kubernetes.io/config.mirror";

/** Every pod runs as a ServiceAccount, with its token mounted unless somebody declines. */
export function serviceAccount({ caches, clock, random }: PluginContext): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    async admit(request) {
      const pod = podOf(request);
      if (!pod?.spec || request.operation !== "CREATE") return;
      if (pod.metadata?.annotations?.[mirror] !== undefined) return;
      pod.spec.serviceAccountName ||= "default";
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const name = pod.spec.serviceAccountName;
      const account =
        caches.get<ServiceAccount>("", "serviceaccounts", request.namespace, name) ??
        (await appears(caches, clock, request.namespace, name));
      if (!account) {
        throw forbidden(
          request.resource.def,
          pod.metadata?.name ?? "",
          `error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`,
        );
      }
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        mountToken(pod, random);
      }
      if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        pod.spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }));
      }
    },
  };
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
