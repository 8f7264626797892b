import type {
  ClusterRoleBinding,
  Deployment,
  DaemonSet,
  EndpointSlice,
  Job,
  KubeObject,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PriorityClass,
  ReplicaSet,
  Service,
  StatefulSet,
  StorageClass,
} from "../../../api/index.ts";
import { isReason, selectorFromObject } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import { type Command, type Context, filenameFlags, selectorFlags } from "../command.ts";
import { eventsOf, writeEvents } from "../describe/events.ts";
import { describeData, describeGeneric } from "../describe/generic.ts";
import { describeNode } from "../describe/node.ts";
import {
  describeClaim,
  describeEndpoints,
  describeEndpointSlice,
  describeNamespace,
  describePriorityClass,
  describeRole,
  describeRoleBinding,
  describeServiceAccount,
  describeStorageClass,
  describeVolume,
} from "../describe/plain-kinds.ts";
import { describePod } from "../describe/pod.ts";
import { describeService } from "../describe/service.ts";
import { describeDeployment, describeJob, describeReplicaSet, describeSet } from "../describe/workload.ts";
import type { Writer } from "../describe/writer.ts";
import type { Session } from "../session.ts";
import { type Found, objectsOf, type Target, targetsOf } from "../targets.ts";

export const command: Command = {
  summary: "Shows objects in detail, with their events.",
  usage: "describe (TYPE [NAME...] | TYPE/NAME... | -f FILE) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    { long: "show-events", type: "boolean", help: "with the events (default: when it is one object)" },
  ],
  async run(context, { flags, args }) {
    const { session, io } = context;
    const targets = await targetsOf(context.mapper, session, args, flags);
    if (targets.length === 0) {
      throw new UsageError(
        'You must specify the type of resource to describe. Use "wherry kubectl api-resources" for a complete list of supported resources.',
      );
    }
    const { found, guessed } = await named(context, targets, flags);
    if (found.length === 0) {
      io.err(`No resources found in ${session.namespace} namespace.\n`);
      return 0;
    }
    let first = true;
    for (const { object } of found) {
      const writer = await describe(session, object);
      if (!eventless.has(object.kind ?? "") && flags.on("show-events", found.length === 1 && !guessed))
        writeEvents(writer, await eventsOf(session, object));
      io.out(`${first ? "" : "\n\n"}${writer}`);
      first = false;
    }
    return 0;
  },
};

/** Kinds described without events. */
const eventless = new Set([
  ...["Namespace", "Secret", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
]);

/** The objects to describe: the one with this name, else all with this prefix. */
async function named(
  { session }: Context,
  targets: readonly Target[],
  flags: Flags,
): Promise<{ found: Found[]; guessed: boolean }> {
  try {
    return { found: await objectsOf(session, targets, flags), guessed: false };
  } catch (error) {
    const [target] = targets;
    if (targets.length !== 1 || !target?.name || !isReason(error, "NotFound")) throw error;
    const all = await objectsOf(session, [{ ...target, name: undefined }], flags);
    const found = all.filter(({ name }) => name.startsWith(target.name ?? ""));
    if (found.length === 0) throw error;
    return { found, guessed: true };
  }
}

async function describe(session: Session, object: KubeObject): Promise<Writer> {
  const base = `/namespaces/${object.metadata?.namespace}`;
  const items = async <T>(path: string, query = {}): Promise<T[]> =>
    (await session.get<{ items: T[] }>(path, query)).items;
  const phases = async (): Promise<Record<string, number>> => {
    const { spec } = object as ReplicaSet;
    const matcher = selectorFromObject(spec?.selector ?? {});
    const counts: Record<string, number> = {};
    for (const pod of await items<Pod>(`/api/v1${base}/pods`)) {
      if (!matcher.matches(pod.metadata?.labels ?? {})) continue;
      const phase = pod.status?.phase ?? "Pending";
      counts[phase] = (counts[phase] ?? 0) + 1;
    }
    return counts;
  };
  switch (object.kind) {
    case "Pod":
      return describePod(object as Pod);
    case "Node": {
      const name = object.metadata?.name ?? "";
      const [pods, lease] = await Promise.all([
        items<Pod>("/api/v1/pods", { fieldSelector: `spec.nodeName=${name}` }),
        session
          .get<{ spec: { renewTime?: string; holderIdentity?: string } }>(
            `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`,
          )
          .catch(() => undefined),
      ]);
      return describeNode(object as Node, pods, lease?.spec);
    }
    case "Deployment":
      return describeDeployment(
        object as Deployment,
        await items<ReplicaSet>(`/apis/apps/v1${base}/replicasets`),
      );
    case "ReplicaSet":
      return describeReplicaSet(object as ReplicaSet, await phases());
    case "DaemonSet":
    case "StatefulSet":
      return describeSet(object as DaemonSet | StatefulSet, await phases());
    case "Job":
      return describeJob(object as Job);
    case "Service": {
      const labelSelector = `kubernetes.io/service-name=${object.metadata?.name}`;
      return describeService(
        object as Service,
        await items<EndpointSlice>(`/apis/discovery.k8s.io/v1${base}/endpointslices`, { labelSelector }),
      );
    }
    case "ConfigMap":
    case "Secret":
      return describeData(object);
    case "Namespace":
      return describeNamespace(object);
    case "PersistentVolumeClaim":
      return describeClaim(object as PersistentVolumeClaim, await items<Pod>(`/api/v1${base}/pods`));
    case "PersistentVolume":
      return describeVolume(object as PersistentVolume);
    case "StorageClass":
      return describeStorageClass(object as StorageClass);
    case "ServiceAccount":
      return describeServiceAccount(object);
    case "Endpoints":
      return describeEndpoints(object);
    case "EndpointSlice":
      return describeEndpointSlice(object as EndpointSlice);
    case "Role":
    case "ClusterRole":
      return describeRole(object);
    case "RoleBinding":
    case "ClusterRoleBinding":
      return describeRoleBinding(object as ClusterRoleBinding);
    case "PriorityClass":
      return describePriorityClass(object as PriorityClass);
    default:
      return describeGeneric(object);
  }
}
