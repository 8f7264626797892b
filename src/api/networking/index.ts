/** networking.k8s.io: Ingress, IngressClass, NetworkPolicy, ServiceCIDR, IPAddress. */
import { ageColumn, column, nameColumn, selectorText } from "../columns.ts";
import type { FieldError, KindDefinition } from "../definition.ts";
import { kindsOf } from "../define.ts";
import { deepEqual, invalid } from "../../machinery/index.ts";
import { internalForm } from "../internal-form.ts";
import { immutable, immutableText } from "../metadata.ts";
import {
  classAnnotation,
  ingressStatusWarnings,
  validateIngress,
  validateIngressClass,
  validateIngressStatus,
  validateNewIngress,
} from "./ingress.ts";
import { networkPolicyWarnings, validateNetworkPolicy, validateNetworkPolicyUpdate } from "./policy.ts";
import {
  isAddressName,
  validateIpAddress,
  validateServiceCidr,
  validateServiceCidrUpdate,
} from "./service-cidr.ts";
import { emptyListsChange } from "../strategies.ts";
import type { IngressClass, Ingress, IPAddress, NetworkPolicy, ServiceCIDR } from "../generated/types.ts";

const define = kindsOf("networking.k8s.io", "v1", "io.k8s.api.networking.v1");

function hosts(ingress: Ingress): string {
  const rules = ingress.spec?.rules ?? [];
  const shown: string[] = [];
  for (const [i, { host }] of rules.entries()) {
    if (host) shown.push(host);
    // Beyond the third host, rules without one are counted, too.
    if (shown.length === 3 && i + 1 < rules.length) return `${shown.join(",")} + ${rules.length - 3} more...`;
  }
  return shown.join(",") || "*";
}

export const networkingKinds: readonly KindDefinition[] = [
  define<Ingress>({
    kind: "Ingress",
    plural: "ingresses",
    shortNames: ["ing"],
    generation: true,
    status: { warnings: (ingress) => ingressStatusWarnings(ingress as Ingress) },
    onUpdate: ["metadataChange", "metadata", "object"],
    validate: validateIngress,
    validateCreate: validateNewIngress,
    validateStatus: validateIngressStatus,
    warnings: ({ metadata, spec }, old) =>
      !old && metadata?.annotations?.[classAnnotation] !== undefined && spec?.ingressClassName === undefined
        ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
        : [],
    columns: [
      nameColumn,
      column<Ingress>("Class", "string", (each) => each.spec?.ingressClassName ?? "<none>"),
      column<Ingress>("Hosts", "string", hosts),
      column<Ingress>("Address", "string", (each) =>
        [
          ...new Set(
            (each.status?.loadBalancer?.ingress ?? []).map((address) => address.ip || address.hostname || ""),
          ),
        ]
          .filter((address) => address !== "")
          .sort()
          .join(","),
      ),
      column<Ingress>("Ports", "string", (each) => (each.spec?.tls?.length ? "80, 443" : "80")),
      ageColumn,
    ],
  }),
  define<IngressClass>({
    kind: "IngressClass",
    plural: "ingressclasses",
    namespaced: false,
    generation: true,
    defaults(each) {
      if (each.spec?.parameters) each.spec.parameters.scope ??= "Cluster";
    },
    onUpdate: ["metadataChange", "change", "metadata", "object"],
    validate: validateIngressClass,
    validateUpdate(each, old) {
      const errors: FieldError[] = [];
      immutable("spec.controller", each.spec?.controller ?? "", old.spec?.controller ?? "", errors);
      return errors;
    },
    columns: [
      {
        ...nameColumn,
        cell({ metadata }) {
          const isDefault = metadata?.annotations?.["ingressclass.kubernetes.io/is-default-class"] === "true";
          return `${metadata?.name}${isDefault ? " (default)" : ""}`;
        },
      },
      column<IngressClass>("Controller", "string", (each) => each.spec?.controller ?? ""),
      column<IngressClass>("Parameters", "string", (each) => {
        const target = each.spec?.parameters;
        if (!target) return "<none>";
        const kind = target.apiGroup ? `${target.kind}.${target.apiGroup}` : target.kind;
        return `${kind}/${target.name}`;
      }),
      ageColumn,
    ],
  }),
  define<NetworkPolicy>({
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    shortNames: ["netpol"],
    generation: true,
    ...emptyListsChange,
    defaults(policy) {
      const spec = (policy.spec ??= { podSelector: {} });
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        for (const port of rule.ports ?? []) port.protocol ??= "TCP";
      }
      if (!spec.policyTypes?.length)
        spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
      spec.podSelector ??= {};
    },
    onUpdate: ["metadataChange", "change"],
    validate: (policy) => validateNetworkPolicy(policy),
    validateUpdate: validateNetworkPolicyUpdate,
    warnings: (policy) => networkPolicyWarnings(policy),
    columns: [
      nameColumn,
      column<NetworkPolicy>("Pod-Selector", "string", (each) => selectorText(each.spec?.podSelector)),
      ageColumn,
    ],
  }),
  define<ServiceCIDR>({
    kind: "ServiceCIDR",
    plural: "servicecidrs",
    namespaced: false,
    status: true,
    statusKeepsMetadata: true,
    onUpdate: ["metadataChange", "change"],
    validate: validateServiceCidr,
    validateUpdate: validateServiceCidrUpdate,
    columns: [
      nameColumn,
      column<ServiceCIDR>("CIDRs", "string", (each) => (each.spec?.cidrs ?? []).join(",")),
      ageColumn,
    ],
  }),
  define<IPAddress>({
    kind: "IPAddress",
    plural: "ipaddresses",
    shortNames: ["ip"],
    namespaced: false,
    name: isAddressName,
    nameGenerated: false,
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: validateIpAddress,
    validateUpdate(each, old) {
      const errors: FieldError[] = [];
      if (!deepEqual(each.spec?.parentRef, old.spec?.parentRef)) {
        const parent = each.spec?.parentRef;
        const shown = parent && internalForm("networking.ParentReference", parent);
        errors.push(invalid("spec.parentRef", shown, immutableText));
      }
      return errors;
    },
    columns: [
      nameColumn,
      column<IPAddress>("ParentRef", "string", (each) => {
        const parent = each.spec?.parentRef;
        if (!parent) return "";
        const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
        return parent.namespace
          ? `${resource}/${parent.namespace}/${parent.name}`
          : `${resource}/${parent.name}`;
      }),
      { ...ageColumn, headless: true },
    ],
  }),
];
