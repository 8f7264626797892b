import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  ObjectReader,
  UserInfo,
} from "../../auth-contract.ts";
import { aggregateText, type StatusError } from "../../../machinery/index.ts";
import type { RuleResolver, UserRules } from "../authz/user-rules.ts";
import { type PolicyRule, ruleAllows } from "./rule.ts";
import { notFound } from "../../errors.ts";
import { type Grant, type MissingRole, rbacGroup, RuleIndex } from "./rule-index.ts";

/** Maximum number of cached answers; then the cache is cleared. */
const maxRemembered = 20_000;
/** Longer keys (many groups) are not cached. */
const maxKeyLength = 4096;

/** Role-based access control by the stored roles and bindings. */
export class RbacAuthorizer implements Authorizer, RuleResolver {
  readonly index = new RuleIndex();
  #remembered = new Map<string, Decision>();
  #version = -1;
  #names = new WeakMap<UserInfo, string>();

  attach(objects: ObjectReader): void {
    this.index.attach(objects);
  }

  authorize(request: AuthorizationAttributes): Decision {
    if (this.#version !== this.index.version || this.#remembered.size > maxRemembered) {
      this.#remembered.clear();
      this.#version = this.index.version;
    }
    // Few rules have resource names: an answer that holds for every name is cached without it.
    const key = `${this.#nameOf(request.user)}\0${request.verb}\0${
      request.isResource
        ? `${request.apiGroup}\0${request.resource}\0${request.subresource}\0${request.namespace}`
        : request.path
    }`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const decision = this.#decide(request);
    if (decision.forAnyName && key.length <= maxKeyLength) this.#remembered.set(key, decision);
    return decision;
  }

  /** All rules that apply to the user in the namespace, including cluster-wide ones. */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    return this.index.grantsOf(user, namespace).flatMap((grant) => grant.rules);
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    return { rules: this.rulesFor(user, namespace), problems: this.missingFor(user, namespace) };
  }

  /** Errors about missing roles that the user is bound to; `resource`: how they are named. */
  missingFor(user: UserInfo, namespace: string, resource?: string): string[] {
    return missingOf(this.index.grantsOf(user, namespace), resource);
  }

  #nameOf(user: UserInfo): string {
    let name = this.#names.get(user);
    if (name === undefined) {
      name = JSON.stringify([user.name, ...user.groups]);
      this.#names.set(user, name);
    }
    return name;
  }

  #decide(request: AuthorizationAttributes): Decision & { forAnyName: boolean } {
    let named = false;
    const grants = this.index.grantsOf(request.user, request.namespace);
    for (const grant of grants) {
      for (const rule of grant.rules) {
        if (rule.resourceNames?.length) named = true;
        if (!ruleAllows(rule, request)) continue;
        return {
          allowed: true,
          reason: `RBAC: allowed by ${grant.source}`,
          forAnyName: !rule.resourceNames?.length,
        };
      }
    }
    const missing = missingOf(grants);
    const reason = missing.length === 0 ? "" : `RBAC: ${aggregateText(missing)}`;
    return { allowed: false, reason, forAnyName: !named };
  }
}

const missingOf = (grants: readonly Grant[], resource?: string): string[] =>
  grants.flatMap(({ missing }) => (missing ? [roleNotFound(missing, resource).message] : []));

/** The error for a missing role, named as client-go's listers do by default. */
export const roleNotFound = ({ kind, name }: MissingRole, resource = kind.toLowerCase()): StatusError =>
  notFound({ group: rbacGroup, kind, plural: resource }, name);
