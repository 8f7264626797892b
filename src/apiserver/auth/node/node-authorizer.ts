import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  ObjectReader,
  UserInfo,
} from "../../auth-contract.ts";
import { parseFieldSelector } from "../../../machinery/index.ts";
import { defaultClusterRoles } from "../rbac/default-roles.ts";
import { parseRule, ruleAllows } from "../rbac/rule.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";
import type { RuleResolver, UserRules } from "../authz/user-rules.ts";
import { NodeGraph } from "./node-graph.ts";

const allow: Decision = { allowed: true, reason: "" };
const deny = (reason: string): Decision => ({ allowed: false, reason });

/** The node name of a node's user; undefined for others. */
export function nodeOf(user: UserInfo): string | undefined {
  const prefix = "system:node:";
  if (!user.name.startsWith(prefix) || !user.groups.includes("system:nodes")) return undefined;
  return user.name.slice(prefix.length);
}

/** Whether a field selector requires `key=value`. An invalid one requires nothing. */
function selects(selector: string | undefined, key: string, value: string): boolean {
  if (!selector) return false;
  try {
    return parseFieldSelector(selector).some(
      (each) => each.field === key && each.op === "=" && each.value === value,
    );
  } catch {
    return false;
  }
}

/**
 * Authorizes kubelets: their own node and lease, their own pods, and what these refer to (Kubernetes' Node authorizer, with
 * selectors). Other users are left to the next authorizer.
 */
export class NodeAuthorizer implements Authorizer, RuleResolver {
  readonly #graph = new NodeGraph();
  readonly #rules = (defaultClusterRoles.find((role) => role.name === "system:node")?.rules ?? []).map(
    parseRule,
  );

  readonly #now: (() => number) | undefined;

  /** `now`: monotonic clock, in milliseconds; without it the graph is not measured. */
  constructor(now?: () => number) {
    this.#now = now;
  }

  attach(objects: ObjectReader, meters?: AuthMetrics): void {
    const now = this.#now;
    this.#graph.attach(
      objects,
      meters && now && { now, took: (action, ms) => meters.nodeGraph.with(action).observe(ms / 1000) },
    );
  }

  /** A node's permissions follow from its pods and cannot be listed. */
  userRules(user: UserInfo): UserRules {
    if (nodeOf(user) === undefined) return { rules: [] };
    return {
      rules: [],
      incomplete: true,
      problems: ["node authorizer does not support user rule resolution"],
    };
  }

  authorize(request: AuthorizationAttributes): Decision {
    const node = nodeOf(request.user);
    if (node === undefined) return deny("");
    if (node === "") return deny(`unknown node for user ${JSON.stringify(request.user.name)}`);
    if (request.isResource) {
      const special = this.#subdivided(node, request);
      if (special) return special;
    }
    return this.#rules.some((rule) => ruleAllows(rule, request)) ? allow : deny("");
  }

  /** Undefined for resources without special rules. */
  #subdivided(node: string, request: AuthorizationAttributes): Decision | undefined {
    const { apiGroup, resource, subresource, verb } = request;
    if (apiGroup === "coordination.k8s.io" && resource === "leases") return lease(node, request);
    if (apiGroup === "storage.k8s.io" && resource === "csinodes") return csiNode(node, request);
    if (apiGroup === "storage.k8s.io" && resource === "volumeattachments") return this.#get(node, request);
    if (apiGroup === "resource.k8s.io" && resource === "resourceclaims") return this.#get(node, request);
    if (apiGroup === "resource.k8s.io" && resource === "resourceslices") return this.#slice(node, request);
    if (apiGroup !== "") return undefined;
    switch (resource) {
      case "secrets":
      case "configmaps":
        return this.#read(node, request);
      case "persistentvolumeclaims":
        if (subresource !== "status") return this.#get(node, request);
        return verb === "update" || verb === "patch"
          ? this.#related(node, request)
          : deny("can only get/update/patch this type");
      case "persistentvolumes":
        return this.#get(node, request);
      case "serviceaccounts":
        if (verb === "get" && subresource === "") return this.#read(node, request);
        if (verb !== "create" || request.name === "")
          return deny("can only create tokens for individual service accounts");
        if (subresource !== "token") return deny("can only create token subresource of serviceaccount");
        return this.#related(node, request);
      case "nodes":
        return ownNode(node, request);
      case "pods":
        return this.#pod(node, request);
      default:
        return undefined;
    }
  }

  #get(node: string, request: AuthorizationAttributes): Decision {
    if (request.verb !== "get") return deny("can only get individual resources of this type");
    if (request.subresource !== "") return deny("cannot get subresource");
    return this.#related(node, request);
  }

  #read(node: string, request: AuthorizationAttributes): Decision {
    if (!["get", "list", "watch"].includes(request.verb)) return deny("can only read resources of this type");
    if (request.subresource !== "") return deny("cannot read subresource");
    if (request.namespace === "") return deny("can only read namespaced object of this type");
    return this.#related(node, request);
  }

  #slice(node: string, request: AuthorizationAttributes): Decision {
    if (request.subresource !== "") return deny("cannot authorize ResourceSlice subresources");
    switch (request.verb) {
      // NodeRestriction checks the owner at admission.
      case "create":
        return allow;
      case "get":
      case "update":
      case "patch":
      case "delete":
        return this.#related(node, request);
      case "list":
      case "watch":
      case "deletecollection":
        return selects(request.fieldSelector, "spec.nodeName", node)
          ? allow
          : deny("can only list/watch/deletecollection resourceslices with nodeName field selector");
      default:
        return deny(
          "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection",
        );
    }
  }

  #related(node: string, request: AuthorizationAttributes): Decision {
    if (request.name === "") return deny("No Object name found");
    return this.#graph.related(node, request.resource, request.namespace, request.name)
      ? allow
      : deny(`no relationship found between node '${node}' and this object`);
  }

  #pod(node: string, request: AuthorizationAttributes): Decision {
    const { verb, subresource } = request;
    if (subresource === "status") return verb === "update" || verb === "patch" ? allow : deny("");
    if (subresource === "eviction") return verb === "create" ? allow : deny("");
    if (subresource !== "") return deny("");
    if (verb === "create" || verb === "delete") return allow;
    if (verb === "get") return this.#get(node, request);
    if (verb !== "list" && verb !== "watch") return deny("");
    if (selects(request.fieldSelector, "spec.nodeName", node)) return allow;
    return request.name === ""
      ? deny("can only list/watch pods with spec.nodeName field selector")
      : this.#related(node, request);
  }
}

function ownNode(node: string, request: AuthorizationAttributes): Decision {
  const { verb, subresource, name } = request;
  if (subresource === "status") return verb === "update" || verb === "patch" ? allow : deny("");
  if (subresource !== "") return deny("");
  if (verb === "create" || verb === "update" || verb === "patch") return allow;
  if (verb !== "get" && verb !== "list" && verb !== "watch") return deny("");
  if (name === node) return allow;
  return deny(
    name === ""
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

const ownVerbs = ["get", "create", "update", "patch", "delete"];

function lease(node: string, request: AuthorizationAttributes): Decision {
  if (!ownVerbs.includes(request.verb))
    return deny("can only get, create, update, patch, or delete a node lease");
  if (request.namespace !== "kube-node-lease")
    return deny('can only access leases in the "kube-node-lease" system namespace');
  if (request.verb !== "create" && request.name !== node)
    return deny("can only access node lease with the same name as the requesting node");
  return allow;
}

function csiNode(node: string, request: AuthorizationAttributes): Decision {
  if (!ownVerbs.includes(request.verb))
    return deny("can only get, create, update, patch, or delete a CSINode");
  if (request.subresource !== "") return deny("cannot authorize CSINode subresources");
  if (request.verb !== "create" && request.name !== node)
    return deny("can only access CSINode with the same name as the requesting node");
  return allow;
}
