import type { KubeObject, Pod, PodTemplateSpec } from "../../api/index.ts";
import { controllerRef } from "../../client/index.ts";
import { deepClone } from "../../machinery/index.ts";

/** A pod of `owner`'s template; the server generates its name from the owner's. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: KubeObject,
  apiVersion: string,
  kind: string,
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const prefix = `${owner.metadata?.name}-`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: prefix,
      ...(owner.metadata?.namespace ? { namespace: owner.metadata.namespace } : {}),
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [controllerRef(owner, apiVersion, kind)],
    },
    ...(template.spec ? { spec: deepClone(template.spec) } : {}),
  };
}
