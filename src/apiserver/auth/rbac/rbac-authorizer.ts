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

/** Answers remembered before all are thrown away. */
const maxRemembered = 20_000;
/** A question that takes more letters (groups without end) is not remembered. */
const maxKeyLength = 4096;

/** Role-based access control over the roles and bindings that are stored. */
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
    // Rules that name objects are few: an answer that holds for every name is remembered without it.
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

  /** Every rule that applies to the user in the namespace (and cluster-wide). */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    return this.index.grantsOf(user, namespace).flatMap((grant) => grant.rules);
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    return { rules: this.rulesFor(user, namespace), problems: this.missingFor(user, namespace) };
  }

  /** What is told of roles that the user is bound to there and that do not exist; `resource`: what they are called. */
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

/** A role that does not exist, by the name that client-go's listers have for roles unless another is given. */
export const roleNotFound = ({ kind, name }: MissingRole, resource = kind.toLowerCase()): StatusError =>
  notFound({ group: rbacGroup, kind, plural: resource }, name);
