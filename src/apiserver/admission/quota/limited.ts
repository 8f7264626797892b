/** Resources that may be used only where a quota covers them (ResourceQuotaConfiguration, apiserver.config.k8s.io/v1). */
import {
  type KubeObject,
  quota,
  type ResourceQuota,
  type ScopedResourceSelectorRequirement,
} from "../../../api/index.ts";
import { isObject, StatusError, subQuantity } from "../../../machinery/index.ts";
import { forbidden } from "../../errors.ts";
import type { AdmissionRequest } from "../chain.ts";
import { expectKind, onlyFields } from "../config/admission-configuration.ts";

export interface LimitedResource {
  apiGroup: string;
  resource: string;
  /** Resources whose names contain one of these are limited. */
  matchContains: readonly string[];
  matchScopes: readonly ScopedResourceSelectorRequirement[];
}

/** Throws an Error with the mistake. */
export function limitedResources(value: unknown): readonly LimitedResource[] {
  if (value === undefined) return [];
  const document = (isObject(value) ? value : {}) as Record<string, unknown>;
  expectKind(
    document,
    ["apiserver.config.k8s.io/v1", "resourcequota.admission.k8s.io/v1"],
    document["kind"] === "Configuration" ? "Configuration" : "ResourceQuotaConfiguration",
  );
  onlyFields(document, "", ["limitedResources"]);
  const limits = (document["limitedResources"] ?? []) as Partial<LimitedResource>[];
  return limits.map((each, i) => {
    onlyFields(
      each as Record<string, unknown>,
      `limitedResources[${i}].`,
      ["apiGroup", "resource", "matchContains", "matchScopes"],
      false,
    );
    const { apiGroup = "", resource = "", matchContains = [], matchScopes = [] } = each;
    if (resource === "") throw new Error(`limitedResources[${i}].resource: Required value`);
    return { apiGroup, resource, matchContains, matchScopes };
  });
}

/** Throws 403 for limited resources that no quota covers. `now`: milliseconds. */
export function checkLimited(
  limits: readonly LimitedResource[],
  quotas: readonly ResourceQuota[],
  { resource: { def }, object, oldObject, operation, name }: AdmissionRequest,
  now: number,
): void {
  const kind = { group: def.group, plural: def.plural };
  const made = object as KubeObject;
  const used = quota.usageOf(kind, made, now);
  if (operation === "UPDATE" && oldObject) {
    for (const [what, before] of quota.usageOf(kind, oldObject, now)) {
      const amount = used.get(what);
      if (amount) used.set(what, subQuantity(amount, before));
    }
  }
  const more = [...used].filter(([, amount]) => amount.nanos > 0n).map(([what]) => what);
  if (more.length === 0) return;
  const limited = new Set(
    limits
      .filter(({ apiGroup, resource }) => apiGroup === kind.group && resource === kind.plural)
      .flatMap(({ matchContains }) =>
        more.filter((what) => matchContains.some((part) => what.includes(part))),
      ),
  );
  const covering = quotas.filter((each) => quota.inScope(each, kind, made));
  const counted = new Set(covering.flatMap(({ status }) => Object.keys(status?.hard ?? {})));
  const missing = [...limited].filter((what) => !counted.has(what)).sort();
  if (missing.length > 0)
    throw forbidden(def, nameOf(name, made), `insufficient quota to consume: ${missing.join(",")}`);
  const covered = new Set(
    quotas
      .flatMap(quota.requirementsOf)
      .filter((each) => quota.meetsScope(each, kind, made))
      .map(({ scopeName }) => scopeName),
  );
  const open = limits
    .flatMap(({ matchScopes }) => matchScopes)
    .filter((each) => quota.meetsScope(each, kind, made) && !covered.has(each.scopeName));
  if (open.length === 0) return;
  const shown = open.map(
    ({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(" ")}]}`,
  );
  throw new StatusError("", `insufficient quota to match these scopes: [${shown.join(" ")}]`, { code: 500 });
}

const nameOf = (name: string, { metadata }: KubeObject): string =>
  name || (metadata?.name ?? metadata?.generateName ?? "");
