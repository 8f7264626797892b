/** Policies with their bindings, compiled once per generation, and the policies that match a request. */
import type {
  KubeObject,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "../../../api/index.ts";
import type { ObjectCaches } from "../../cache/objects.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { matchedVersion, namespaceSelected, objectSelected } from "../matching/rules.ts";
import { paramResource, paramsOf } from "./params.ts";

const group = "admissionregistration.k8s.io";

type AnyPolicy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
type AnyBinding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

export interface Policy<P, B, C> {
  readonly policy: P;
  readonly bindings: readonly B[];
  /** Compiled for the first request that the policy matches. */
  compiled(): C;
}

export class Policies<P extends AnyPolicy, B extends AnyBinding, C> {
  readonly #caches: ObjectCaches;
  readonly #plurals: readonly [policies: string, bindings: string];
  readonly #compile: (policy: P) => C;
  #known: readonly Policy<P, B, C>[] | undefined;

  constructor(
    caches: ObjectCaches,
    plurals: readonly [policies: string, bindings: string],
    compile: (policy: P) => C,
  ) {
    this.#caches = caches;
    this.#plurals = plurals;
    this.#compile = compile;
    for (const plural of plurals)
      caches.onChange(group, plural, () => {
        this.#known = undefined;
      });
  }

  /** Policies with a binding, ordered by name. */
  all(): readonly Policy<P, B, C>[] {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read(): readonly Policy<P, B, C>[] {
    const [policies, bindings] = this.#plurals;
    if (this.#plurals.some((plural) => this.#caches.of(group, plural).size === 0)) return [];
    const all = this.#caches.list<B>(group, bindings);
    return this.#caches.list<P>(group, policies).flatMap((policy) => {
      const own = all.filter(({ spec }) => spec?.policyName === policy.metadata?.name);
      if (own.length === 0) return [];
      let made: C | undefined;
      return [{ policy, bindings: own, compiled: () => (made ??= this.#compile(policy)) }];
    });
  }
}

/** A policy that matches a request, and the version in which it matches. */
export interface Concerned<T> {
  readonly policy: T;
  readonly resource: ServedResource;
}

/** Exempt: a policy that refused its own change could not be repaired, and reviews are not stored objects. */
const exempt = new Set([
  ...[
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
  ].map((plural) => `${group}/${plural}`),
  "authentication.k8s.io/selfsubjectreviews",
  "authentication.k8s.io/tokenreviews",
  "authorization.k8s.io/localsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
  "authorization.k8s.io/subjectaccessreviews",
]);

export function concerned<T extends { readonly policy: AnyPolicy }>(
  { registry, caches }: PluginContext,
  request: AdmissionRequest,
  policies: readonly T[],
): Concerned<T>[] {
  const { def } = request.resource;
  if (policies.length === 0 || exempt.has(`${def.group}/${def.plural}`)) return [];
  return policies.flatMap((policy) => {
    const resource = matched(policy.policy.spec?.matchConstraints, request, registry, caches);
    return resource ? [{ policy, resource }] : [];
  });
}

/** A policy, one of its bindings and one of the binding's params; or the problem with them. */
export type Turn<T, B> = Concerned<T> & { readonly binding: B } & (
    | {
        /** null when the binding has none; absent when the policy takes none. */
        readonly params?: KubeObject | null;
      }
    | { readonly problem: string }
  );

export interface Misconfigured<T> {
  readonly policy: T;
  readonly problem: string;
}

/** Each evaluation of a policy for a request. */
export function* turnsOf<P extends AnyPolicy, B extends AnyBinding, C>(
  { registry, caches }: PluginContext,
  request: AdmissionRequest,
  { policy, resource }: Concerned<Policy<P, B, C>>,
): Generator<Turn<Policy<P, B, C>, B> | Misconfigured<Policy<P, B, C>>> {
  const { paramKind } = policy.policy.spec ?? {};
  const given = paramKind && paramResource(registry, paramKind);
  if (paramKind && !given) {
    const [head = "", tail] = (paramKind.apiVersion ?? "").split("/");
    const shown = tail === undefined ? `/${head}` : `${head}/${tail}`;
    yield {
      policy,
      problem: `failed to configure policy: failed to find resource referenced by paramKind: '${shown}, Kind=${paramKind.kind}'`,
    };
    return;
  }
  for (const binding of policy.bindings) {
    if (!matched(binding.spec?.matchResources, request, registry, caches)) continue;
    const turn = { policy, resource, binding };
    const { paramRef } = binding.spec ?? {};
    if (!given) yield turn;
    else if (!paramRef) yield { ...turn, params: null };
    else {
      const found = paramsOf(given, paramRef, request.namespace);
      if (typeof found === "string") yield { ...turn, problem: `failed to configure binding: ${found}` };
      else for (const params of found) yield { ...turn, params };
    }
  }
}

/**
 * The version in which the request is matched; undefined when it is not. Without resource rules (of a binding) everything
 * matches.
 */
function matched(
  match: MatchResources | undefined,
  request: AdmissionRequest,
  registry: Registry,
  caches: ObjectCaches,
): ServedResource | undefined {
  if (!match) return request.resource;
  if (!namespaceSelected(match.namespaceSelector, request, caches)) return undefined;
  if (!objectSelected(match.objectSelector, request)) return undefined;
  const named = (rules: MatchResources["resourceRules"]) =>
    (rules ?? []).filter(
      ({ resourceNames = [] }) => resourceNames.length === 0 || resourceNames.includes(request.name),
    );
  const excluded = named(match.excludeResourceRules);
  if (excluded.length > 0 && matchedVersion(excluded, match.matchPolicy, request, registry)) return undefined;
  if ((match.resourceRules ?? []).length === 0) return request.resource;
  return matchedVersion(named(match.resourceRules), match.matchPolicy, request, registry);
}
