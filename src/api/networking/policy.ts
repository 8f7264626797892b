/** Validation of NetworkPolicies. */
import {
  forbidden,
  invalid,
  isPortName,
  isPortNumber,
  notSupported,
  required,
} from "../../machinery/index.ts";
import { cidrWarnings, isStrictSubset, legacyCidrProblems, parseCidr } from "../core/address-rules.ts";
import type { FieldError } from "../definition.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../generated/types.ts";
import { each } from "../field-rules.ts";
import { validateLabelSelector } from "../metadata.ts";

const protocols = ["TCP", "UDP", "SCTP"];

function validatePolicyPort(given: NetworkPolicyPort, path: string, errors: FieldError[]): void {
  const { protocol, port, endPort } = given;
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (port === undefined) {
    if (endPort !== undefined)
      errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is not specified"));
  } else if (typeof port === "number") {
    for (const text of isPortNumber(port)) errors.push(invalid(`${path}.port`, port, text));
    if (endPort !== undefined) {
      if (endPort < port)
        errors.push(invalid(`${path}.endPort`, port, "must be greater than or equal to `port`"));
      for (const text of isPortNumber(endPort)) errors.push(invalid(`${path}.endPort`, endPort, text));
    }
  } else {
    if (endPort !== undefined)
      errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is non-numeric"));
    each(isPortName, `${path}.port`, port, errors);
  }
}

function validateBlock(
  { cidr, except = [] }: IPBlock,
  path: string,
  known: readonly string[],
  errors: FieldError[],
): void {
  if (!cidr) {
    errors.push(required(`${path}.cidr`));
    return;
  }
  errors.push(...legacyCidrProblems(`${path}.cidr`, cidr, known));
  const outer = parseCidr(cidr);
  if (!outer) return;
  for (const [i, range] of except.entries()) {
    const here = `${path}.except[${i}]`;
    errors.push(...legacyCidrProblems(here, range, known));
    const inner = parseCidr(range);
    if (inner && !isStrictSubset(inner, outer))
      errors.push(invalid(here, range, "must be a strict subset of `cidr`"));
  }
}

function validatePeer(
  peer: NetworkPolicyPeer,
  path: string,
  known: readonly string[],
  errors: FieldError[],
): void {
  let given = 0;
  for (const member of ["podSelector", "namespaceSelector"] as const) {
    if (!peer[member]) continue;
    given++;
    validateLabelSelector(peer[member], `${path}.${member}`, errors);
  }
  if (peer.ipBlock) {
    given++;
    validateBlock(peer.ipBlock, `${path}.ipBlock`, known, errors);
  }
  if (given === 0) errors.push(required(path, "must specify a peer"));
  else if (given > 1 && peer.ipBlock)
    errors.push(forbidden(path, "may not specify both ipBlock and another peer"));
}

interface Placed {
  block: IPBlock;
  path: string;
}

/** All CIDRs in a policy. */
function blocksOf({ spec }: NetworkPolicy): Placed[] {
  const found: Placed[] = [];
  const visit = (peers: readonly NetworkPolicyPeer[], path: string): void => {
    for (const [i, { ipBlock }] of peers.entries())
      if (ipBlock) found.push({ block: ipBlock, path: `${path}[${i}].ipBlock` });
  };
  for (const [i, { from = [] }] of (spec?.ingress ?? []).entries()) visit(from, `spec.ingress[${i}].from`);
  for (const [i, { to = [] }] of (spec?.egress ?? []).entries()) visit(to, `spec.egress[${i}].to`);
  return found;
}

export const networkPolicyWarnings = (policy: NetworkPolicy): string[] =>
  blocksOf(policy).flatMap(({ block: { cidr, except = [] }, path }) => [
    ...cidrWarnings(`${path}.cidr`, cidr),
    ...except.flatMap((range, i) => cidrWarnings(`${path}.except[${i}]`, range)),
  ]);

/** Existing CIDRs of the policy are valid in any form. */
export function validateNetworkPolicyUpdate(policy: NetworkPolicy, old: NetworkPolicy): FieldError[] {
  return validateNetworkPolicy(
    policy,
    blocksOf(old).flatMap(({ block: { cidr, except = [] } }) => [cidr, ...except]),
  );
}

export function validateNetworkPolicy(policy: NetworkPolicy, known: readonly string[] = []): FieldError[] {
  const errors: FieldError[] = [];
  const spec = policy.spec;
  if (!spec) return errors;
  validateLabelSelector(spec.podSelector, "spec.podSelector", errors);
  const direction = (
    name: string,
    rules: readonly { ports?: NetworkPolicyPort[]; peers: NetworkPolicyPeer[] }[],
    peers: string,
  ): void => {
    for (const [i, rule] of rules.entries()) {
      for (const [j, port] of (rule.ports ?? []).entries())
        validatePolicyPort(port, `spec.${name}[${i}].ports[${j}]`, errors);
      for (const [j, peer] of rule.peers.entries())
        validatePeer(peer, `spec.${name}[${i}].${peers}[${j}]`, known, errors);
    }
  };
  const ingress = (spec.ingress ?? []).map(({ ports = [], from = [] }) => ({ ports, peers: from }));
  const egress = (spec.egress ?? []).map(({ ports = [], to = [] }) => ({ ports, peers: to }));
  direction("ingress", ingress, "from");
  direction("egress", egress, "to");
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    errors.push(invalid("spec.policyTypes", types, "may not specify more than two policyTypes"));
    return errors;
  }
  for (const [i, type] of types.entries()) {
    if (type !== "Ingress" && type !== "Egress")
      errors.push(notSupported(`spec.policyTypes[${i}]`, type, ["Ingress", "Egress"]));
  }
  return errors;
}
