import type { Pod } from "../../api/index.ts";
import { controllerOf, type Informer } from "../../client/index.ts";

const indexName = "controller";
const orphans = (namespace: string | undefined): string => `orphans/${namespace ?? ""}`;

/** Pods by the UID of their controller, and those without one by namespace. */
export function indexByController(pods: Informer<Pod>): void {
  pods.addIndex(indexName, (pod) => [controllerOf(pod)?.uid ?? orphans(pod.metadata?.namespace)]);
}

export const podsControlledBy = (pods: Informer<Pod>, uid: string | undefined): Pod[] =>
  uid === undefined ? [] : pods.byIndex(indexName, uid);

export const orphanPods = (pods: Informer<Pod>, namespace: string | undefined): Pod[] =>
  pods.byIndex(indexName, orphans(namespace));

const nodeIndex = "node";

/** Pods by node. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
}

export const podsOnNode = (pods: Informer<Pod>, node: string): Pod[] => pods.byIndex(nodeIndex, node);
