import type { ReplicationController } from "../../api/index.ts";
import { selectorFromLabels, selectorFromObject } from "../../machinery/index.ts";
import type { ControllerContext } from "../context.ts";
import { runReplicas } from "./loop.ts";

export const runReplicaSets = (context: ControllerContext): Promise<void> =>
  runReplicas(context, {
    name: "replicaset",
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    resource: context.client.replicaSets,
    selector: (set) => selectorFromObject(set.spec?.selector),
    countsLeaving: true,
  });

/** ReplicationControllers are the same with a map as selector. */
export const runReplicationControllers = (context: ControllerContext): Promise<void> =>
  runReplicas(context, {
    name: "replication",
    apiVersion: "v1",
    kind: "ReplicationController",
    resource: context.client.resource<ReplicationController>("", "v1", "replicationcontrollers"),
    selector: (set) => selectorFromLabels(set.spec?.selector),
    countsLeaving: false,
  });
