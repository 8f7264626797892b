import type {
  CertificateSigningRequest,
  KubeObject,
  Node,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
} from "../../api/index.ts";
import { deepEqual, readCertificateRequest } from "../../machinery/index.ts";
import { nodeOf } from "../auth/node/node-authorizer.ts";
import { notFound } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { changedForbiddenLabels } from "./node-labels.ts";
import { refuse } from "./refuse.ts";
import { apiReferenceOf } from "./pod-references.ts";

/** The reason why a node may not make the request; undefined when it may. */
type Rule = (request: AdmissionRequest, node: string, context: PluginContext) => string | undefined;

/** NodeRestriction: limits what a kubelet may write beyond RBAC and the Node authorizer. */
export function nodeRestriction(context: PluginContext): AdmissionPlugin {
  return {
    name: "NodeRestriction",
    admit(request) {
      const node = nodeOf(request.user);
      if (node === undefined) return;
      const { group, plural } = request.resource.def;
      const rule = rules[group === "" ? plural : `${plural}.${group}`];
      const why =
        rule && node === ""
          ? `could not determine node from user ${JSON.stringify(request.user.name)}`
          : rule?.(request, node, context);
      if (why) throw refuse(request, why);
    },
  };
}

const rules: Record<string, Rule> = {
  pods(request, node, context) {
    switch (request.subresource) {
      case "":
        return ownPod(request, node, context);
      case "status":
        return podStatus(request, node);
      case "eviction": {
        const pod = context.caches.get<Pod>("", "pods", request.namespace, request.name);
        if (!pod) throw notFound(request.resource.def, request.name);
        return pod.spec?.nodeName === node
          ? undefined
          : `node ${node} can only evict pods with spec.nodeName set to itself`;
      }
      default:
        return `unexpected pod subresource ${JSON.stringify(request.subresource)}, only 'status' and 'eviction' are allowed`;
    }
  },
  nodes: ownNode,
  persistentvolumeclaims: claimStatus,
  "leases.coordination.k8s.io": (request, node) =>
    request.namespace !== "kube-node-lease"
      ? 'can only access leases in the "kube-node-lease" system namespace'
      : nameOf(request) === node
        ? undefined
        : "can only access node lease with the same name as the requesting node",
  "csinodes.storage.k8s.io": (request, node) =>
    nameOf(request) === node
      ? undefined
      : "can only access CSINode with the same name as the requesting node",
  "resourceslices.resource.k8s.io": ({ operation, object, oldObject }, node) => {
    if (operation !== "CREATE" && operation !== "DELETE") return undefined;
    const slice = (operation === "CREATE" ? object : oldObject) as ResourceSlice;
    const verb = operation === "CREATE" ? "create" : "delete";
    return slice.spec?.nodeName === node
      ? undefined
      : `can only ${verb} ResourceSlice with the same NodeName as the requesting node`;
  },
  "certificatesigningrequests.certificates.k8s.io": ({ operation, object }, node) => {
    if (operation !== "CREATE") return undefined;
    const { spec } = object as CertificateSigningRequest;
    if (
      !["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"].includes(
        spec.signerName,
      )
    )
      return undefined;
    const subject = readCertificateRequest(Buffer.from(spec.request, "base64").toString());
    if (!subject) return "unable to parse csr: it is not a PKCS #10 request";
    return subject.commonName === `system:node:${node}`
      ? undefined
      : `can only create a node CSR with CN=system:node:${node}`;
  },
};

const nameOf = ({ operation, object, name }: AdmissionRequest): string =>
  operation === "CREATE" ? (object?.metadata?.name ?? "") : name;

function ownPod(request: AdmissionRequest, node: string, { caches }: PluginContext): string | undefined {
  const { operation, object, oldObject } = request;
  if (operation === "DELETE") {
    return (oldObject as Pod).spec?.nodeName === node
      ? undefined
      : `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`;
  }
  if (operation !== "CREATE") {
    return `unexpected operation ${JSON.stringify(operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods`;
  }
  const pod = object as Pod;
  const quoted = JSON.stringify(node);
  const mirror = "kubernetes.io/config.mirror";
  if (pod.metadata?.annotations?.[mirror] === undefined) {
    return `pod does not have "${mirror}" annotation, node ${quoted} can only create mirror pods`;
  }
  if (pod.spec?.nodeName !== node)
    return `node ${quoted} can only create pods with spec.nodeName set to itself`;
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) {
    return `node ${quoted} can only create pods with a single owner reference set to itself`;
  }
  if (!owner || owner.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
    return `node ${quoted} can only create pods with an owner reference set to itself`;
  }
  if (!owner.controller) {
    return `node ${quoted} can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion) return `node ${quoted} must not set blockOwnerDeletion on an owner reference`;
  const stored = caches.get<Node>("", "nodes", undefined, node);
  if (!stored) throw notFound({ group: "", kind: "Node", plural: "nodes" }, node);
  if (owner.uid !== stored.metadata?.uid) {
    return `node ${node} UID mismatch: expected ${owner.uid} got ${stored.metadata?.uid}`;
  }
  const reference = apiReferenceOf(pod);
  return reference ? `node ${quoted} can not create pods that reference ${reference}` : undefined;
}

function podStatus({ operation, object, oldObject }: AdmissionRequest, node: string): string | undefined {
  if (operation !== "UPDATE") return `unexpected operation ${JSON.stringify(operation)}`;
  const [now, old] = [object, oldObject] as [Pod, Pod];
  const quoted = JSON.stringify(node);
  if (old.spec?.nodeName !== node) {
    return `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (!deepEqual(now.metadata?.labels ?? {}, old.metadata?.labels ?? {})) {
    return `node ${quoted} cannot update labels through pod status`;
  }
  if (!deepEqual(now.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? [])) {
    return `node ${quoted} cannot update resource claim statues`;
  }
  return deepEqual(now.status?.extendedResourceClaimStatus, old.status?.extendedResourceClaimStatus)
    ? undefined
    : `node ${quoted} cannot update extended resource claim status`;
}

function ownNode({ operation, object, oldObject, name }: AdmissionRequest, node: string): string | undefined {
  const quoted = JSON.stringify(node);
  const asked = name || (object?.metadata?.name ?? "");
  if (asked !== node) return `node ${quoted} is not allowed to modify node ${JSON.stringify(asked)}`;
  const [now, old] = [object as Node | undefined, oldObject as Node | undefined];
  if (operation === "CREATE") {
    if (now?.spec?.configSource !== undefined) {
      return `node ${quoted} is not allowed to create pods with a non-nil configSource`;
    }
    const labels = changedForbiddenLabels(now, undefined);
    return labels.length > 0
      ? `node ${quoted} is not allowed to set the following labels: ${labels.join(", ")}`
      : undefined;
  }
  if (operation !== "UPDATE") return undefined;
  if (now?.spec?.configSource !== undefined && !deepEqual(now.spec.configSource, old?.spec?.configSource)) {
    return `node ${quoted} is not allowed to update configSource to a new non-nil configSource`;
  }
  if (!deepEqual(now?.spec?.taints ?? [], old?.spec?.taints ?? [])) {
    return `node ${quoted} is not allowed to modify taints`;
  }
  if (!deepEqual(now?.metadata?.ownerReferences ?? [], old?.metadata?.ownerReferences ?? [])) {
    return `node ${quoted} is not allowed to modify ownerReferences`;
  }
  const labels = changedForbiddenLabels(now, old);
  return labels.length > 0 ? `is not allowed to modify labels: ${labels.join(", ")}` : undefined;
}

/** A node may only report the progress of a volume's expansion. */
function claimStatus(
  { operation, subresource, object, oldObject }: AdmissionRequest,
  node: string,
): string | undefined {
  if (subresource !== "status") return "may only update PVC status";
  if (operation !== "UPDATE") return `unexpected operation ${JSON.stringify(operation)}`;
  const fixed = (each: KubeObject | undefined): unknown => {
    const { metadata, status, ...rest } = (each ?? {}) as PersistentVolumeClaim;
    const { resourceVersion: _version, managedFields: _fields, ...meta } = metadata ?? {};
    const {
      capacity: _c,
      conditions: _o,
      allocatedResources: _a,
      allocatedResourceStatuses: _s,
      ...state
    } = status ?? {};
    return { ...rest, meta, state };
  };
  return deepEqual(fixed(object), fixed(oldObject))
    ? undefined
    : `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions: the objects differ elsewhere`;
}
