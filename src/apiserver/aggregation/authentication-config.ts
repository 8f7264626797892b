/**
 * The ConfigMap with the authorities that extension servers trust: for clients' certificates, and for this server as their proxy.
 */
import type { ConfigMap, KubeObject } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { serverCall } from "../bootstrap/server-call.ts";
import type { Core } from "../core.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import type { TrustOptions } from "./options.ts";

const namespace = "kube-system";
const name = "extension-apiserver-authentication";

function dataOf({ clientCa, frontProxyCa, frontProxyNames }: TrustOptions): Record<string, string> {
  return {
    "client-ca-file": clientCa,
    "requestheader-allowed-names": JSON.stringify(frontProxyNames),
    "requestheader-client-ca-file": frontProxyCa,
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
}

/** Creates or repairs it. Other keys stay. */
export async function publishTrust(core: Core, options: TrustOptions): Promise<void> {
  const resource = core.registry.find("", "v1", "configmaps");
  if (!resource) return;
  const data = dataOf(options);
  const differs = (object: ConfigMap): boolean =>
    Object.entries(data).some(([key, value]) => object.data?.[key] !== value);
  const existing = resource.cache.get(resource.key(namespace, name));
  try {
    if (!existing) {
      const object: ConfigMap = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        data,
      };
      await createObject(serverCall(core, resource, namespace, ""), object as KubeObject);
    } else if (differs(existing.object as ConfigMap)) {
      await updateObject(serverCall(core, resource, namespace, name), (entry) => {
        const object = entry.copy() as ConfigMap;
        object.data = { ...object.data, ...data };
        return object as KubeObject;
      });
    }
  } catch (error) {
    if (!isReason(error, "AlreadyExists") && !isReason(error, "Conflict") && !isReason(error, "NotFound"))
      throw error;
  }
}

/** Restores it when it is deleted or changed. */
export function keepTrust(core: Core, options: TrustOptions): () => void {
  return core.caches.onChange<ConfigMap>("", "configmaps", (_type, object) => {
    const { metadata } = object;
    if (metadata?.name !== name || metadata.namespace !== namespace) return;
    publishTrust(core, options).catch((error: unknown) =>
      core.log.warn("the authentication configuration of extension servers could not be restored", { error }),
    );
  });
}
