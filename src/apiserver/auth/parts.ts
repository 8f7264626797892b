import type { AuthorizationAttributes } from "../auth-contract.ts";
import { parseRule, type PolicyRule, ruleAllows } from "./rbac/rule.ts";

/**
 * Permissions of our own components beyond Kubernetes' roles for users of their names: all controllers are one user here, and
 * proxy and DNS are one component that sets the node's address on Services of type LoadBalancer. They are no ClusterRoles, so
 * that a cluster shows the same roles as Kubernetes.
 */
const rules: Readonly<Record<string, readonly PolicyRule[]>> = {
  "system:kube-controller-manager": [
    "read write: *: *",
    "approve sign: certificates.k8s.io: signers",
    "use: *: *",
    "get: /metrics /healthz",
  ].map(parseRule),
  "system:kube-proxy": [
    "patch update: core: services/status",
    "read: core: endpoints namespaces nodes pods services",
    "read: discovery.k8s.io: endpointslices",
    "create patch update: core,events.k8s.io: events",
  ].map(parseRule),
};

/** Whether these rules allow it to one of our components. */
export function partMay(request: AuthorizationAttributes): boolean {
  const { name } = request.user;
  return Object.hasOwn(rules, name) && (rules[name]?.some((rule) => ruleAllows(rule, request)) ?? false);
}
