import type { KubeObject } from "../../../api/index.ts";
import type { ApiTransport, TransportRequest } from "../../../client/index.ts";
import { selectorFromObject, StatusError } from "../../../machinery/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoles } from "./default-roles.ts";
import { uncovered } from "./coverage.ts";
import { parseRule } from "./rule.ts";
import {
  type BindingObject,
  defaultRules,
  parseSubject,
  type RoleObject,
  rbacGroup,
  type Subject,
} from "./rule-index.ts";

const apiVersion = `${rbacGroup}/v1`;
const autoUpdate = "rbac.authorization.kubernetes.io/autoupdate";
const aggregateLabel = (name: string): string => `rbac.authorization.k8s.io/aggregate-to-${name}`;

const metadata = (name: string, namespace?: string, labels: Record<string, string> = {}) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  annotations: { [autoUpdate]: "true" },
});

interface Desired {
  resource: string;
  namespace?: string;
  object: RoleObject | BindingObject;
}

function desired(): Desired[] {
  const roles = defaultClusterRoles.map((role): Desired => {
    const labels = Object.fromEntries((role.aggregatesTo ?? []).map((to) => [aggregateLabel(to), "true"]));
    return {
      resource: "clusterroles",
      object: {
        apiVersion,
        kind: "ClusterRole",
        metadata: metadata(role.name, undefined, labels),
        ...(role.aggregates === undefined
          ? { rules: defaultRules().get(role.name) ?? [] }
          : {
              aggregationRule: {
                clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(role.aggregates)]: "true" } }],
              },
            }),
      },
    };
  });
  const bind = (
    kind: string,
    role: string,
    name: string,
    subjects: readonly string[],
    namespace?: string,
  ): Desired => ({
    resource: namespace === undefined ? "clusterrolebindings" : "rolebindings",
    ...(namespace === undefined ? {} : { namespace }),
    object: {
      apiVersion,
      kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
      metadata: metadata(name, namespace),
      roleRef: { apiGroup: rbacGroup, kind, name: role },
      ...(subjects.length > 0 ? { subjects: subjects.map(parseSubject) } : {}),
    } as BindingObject,
  });
  return [
    ...roles,
    ...defaultClusterRoleBindings.map((b) => bind("ClusterRole", b.role, b.name, b.subjects)),
    ...defaultRoles.flatMap((role): Desired[] => [
      {
        resource: "roles",
        namespace: role.namespace,
        object: {
          apiVersion,
          kind: "Role",
          metadata: metadata(role.name, role.namespace),
          rules: role.rules.map(parseRule),
        },
      },
      bind("Role", role.name, role.binding, role.subjects, role.namespace),
    ]),
  ];
}

const sameSubject = (a: Subject, b: Subject): boolean =>
  a.kind === b.kind && a.name === b.name && (a.namespace ?? "") === (b.namespace ?? "");

/** The stored object with missing parts of the default added; undefined when it is complete or opts out. */
function repaired(stored: KubeObject, wanted: RoleObject | BindingObject): KubeObject | undefined {
  if (stored.metadata?.annotations?.[autoUpdate] === "false") return undefined;
  if ("roleRef" in wanted) {
    const binding = stored as BindingObject;
    const missing = (wanted.subjects ?? []).filter(
      (s) => !(binding.subjects ?? []).some((t) => sameSubject(s, t)),
    );
    return missing.length === 0
      ? undefined
      : ({ ...binding, subjects: [...(binding.subjects ?? []), ...missing] } as KubeObject);
  }
  const role = stored as RoleObject;
  if (wanted.aggregationRule)
    return role.aggregationRule
      ? undefined
      : ({ ...role, aggregationRule: wanted.aggregationRule } as KubeObject);
  const missing = uncovered(role.rules ?? [], wanted.rules ?? []);
  return missing.length === 0
    ? undefined
    : ({ ...role, rules: [...(role.rules ?? []), ...missing] } as KubeObject);
}

/** A request of the server to itself; throws its refusal. */
export async function send(
  api: ApiTransport,
  method: TransportRequest["method"],
  path: string,
  body: unknown,
): Promise<void> {
  const type = method === "PATCH" ? "application/apply-patch+yaml" : "application/json";
  const response = await api.request({
    method,
    path,
    headers: { "content-type": type, accept: "application/json", "user-agent": "kube-apiserver" },
    body: Buffer.from(JSON.stringify(body)),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  if (response.status < 300) return;
  throw StatusError.fromStatus(JSON.parse(Buffer.concat(chunks).toString("utf8")));
}

/** Stores missing default roles and bindings and repairs incomplete ones, concurrently. */
export async function reconcileDefaults(api: ApiTransport, objects: ObjectReader): Promise<void> {
  const results = await Promise.allSettled(
    desired().map(async ({ resource, namespace, object }) => {
      const base = `/apis/${apiVersion}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${resource}`;
      const name = object.metadata?.name ?? "";
      const stored = objects.get<KubeObject>(rbacGroup, resource, namespace, name);
      if (!stored) await send(api, "POST", base, object);
      else {
        const better = repaired(stored, object);
        if (better) await send(api, "PUT", `${base}/${encodeURIComponent(name)}`, better);
      }
    }),
  );
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    const { reason } = result;
    // Created or changed concurrently.
    if (reason instanceof StatusError && (reason.reason === "AlreadyExists" || reason.reason === "Conflict"))
      continue;
    throw reason;
  }
}

/**
 * Updates the rules of every aggregated ClusterRole, like the controller of that name: the roles that each selector matches, by
 * name, each rule once.
 */
export async function reconcileAggregation(api: ApiTransport, objects: ObjectReader): Promise<void> {
  const roles = objects.list<RoleObject>(rbacGroup, "clusterroles");
  const byName = [...roles].sort((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  for (const role of roles) {
    const selectors = role.aggregationRule?.clusterRoleSelectors;
    if (!selectors) continue;
    const rules = new Map<string, object>();
    for (const selector of selectors.map(selectorFromObject)) {
      for (const part of byName) {
        if (part === role || !selector.matches(part.metadata?.labels)) continue;
        for (const rule of part.rules ?? []) rules.set(JSON.stringify(rule), rule);
      }
    }
    const wanted = [...rules.values()];
    if (JSON.stringify(wanted) === JSON.stringify(role.rules ?? [])) continue;
    const name = role.metadata?.name ?? "";
    const query = "fieldManager=clusterrole-aggregation-controller&force=true";
    await send(api, "PATCH", `/apis/${apiVersion}/clusterroles/${encodeURIComponent(name)}?${query}`, {
      apiVersion,
      kind: "ClusterRole",
      metadata: { name },
      rules: wanted,
    });
  }
}
