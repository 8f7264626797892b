import type { AuthorizationAttributes } from "../auth-contract.ts";
import { parseRule, type PolicyRule, ruleAllows } from "./rbac/rule.ts";

/**
 * What our own parts may do beyond the original's roles for users of their names: all controllers are one user here,
 * and proxy and DNS are one part that gives Services of type LoadBalancer the node's address. No ClusterRoles, so that
 * a cluster shows the same roles as the original.
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

/** Whether a part of our own may do it by these rules. */
export function partMay(request: AuthorizationAttributes): boolean {
  const { name } = request.user;
  return Object.hasOwn(rules, name) && (rules[name]?.some((rule) => ruleAllows(rule, request)) ?? false);
}
