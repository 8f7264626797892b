import type { ConfigMap } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type Controller, newQueue, runLoop } from "../context.ts";
import { namespaceGoes } from "../failures.ts";

const name = "kube-root-ca.crt";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Maintains the ConfigMap `kube-root-ca.crt` in every namespace, with the CA of the API server's certificate. */
export function rootCaPublisher(rootCa: string): Controller {
  const data = { "ca.crt": rootCa };
  return async (context) => {
    const { client, informers } = context;
    const namespaces = informers.of(client.namespaces);
    const maps = informers.of(client.configMaps, { fieldSelector: `metadata.name=${name}` });
    const queue = newQueue(context);
    namespaces.onChange((type, namespace) => {
      if (type !== "delete") queue.add(keyOf(namespace));
    });
    maps.onChange((_type, map) => queue.add(map.metadata?.namespace ?? ""));

    await runLoop(context, {
      name: "root-ca-publisher",
      queue,
      workers: 2,
      needs: [namespaces, maps],
      async reconcile(namespace) {
        const home = namespaces.get(namespace);
        if (!home || home.metadata?.deletionTimestamp) return settled;
        const known = maps.get(`${namespace}/${name}`);
        if (known && isRight(known)) return settled;
        try {
          if (known) await client.configMaps.update(namespace, { ...known, data });
          else {
            await client.configMaps.create(namespace, {
              apiVersion: "v1",
              kind: "ConfigMap",
              metadata: { name, namespace, annotations: { "kubernetes.io/description": description } },
              data,
            });
          }
        } catch (error) {
          const done =
            isReason(error, "AlreadyExists") || isReason(error, "NotFound") || namespaceGoes(error);
          if (!done) throw error;
        }
        return settled;
      },
    });
  };

  function isRight(map: ConfigMap): boolean {
    const keys = Object.keys(map.data ?? {});
    return keys.length === 1 && map.data?.["ca.crt"] === rootCa;
  }
}
