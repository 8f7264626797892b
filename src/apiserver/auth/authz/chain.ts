import type { AuthorizationAttributes, Authorizer, Decision, ObjectReader } from "../../auth-contract.ts";
import { NodeAuthorizer } from "../node/node-authorizer.ts";
import { partMay } from "../parts.ts";
import type { RbacAuthorizer } from "../rbac/rbac-authorizer.ts";

const allow: Decision = { allowed: true, reason: "" };
const all: Authorizer = { authorize: () => allow };
const nobody: Authorizer = { authorize: () => ({ allowed: false, reason: "Everything is forbidden." }) };

/**
 * Members of system:masters may do everything; then one authorizer after the other is asked, until one allows or
 * denies. By default: nodes what concerns them, all others what RBAC grants.
 */
export class AuthorizerChain implements Authorizer {
  readonly #node = new NodeAuthorizer();
  readonly #rbac: RbacAuthorizer;
  #links: readonly Authorizer[];

  constructor(rbac: RbacAuthorizer) {
    this.#rbac = rbac;
    this.#links = [this.#node, rbac];
  }

  attach(objects: ObjectReader): void {
    this.#node.attach(objects);
    this.#rbac.attach(objects);
  }

  /** From now on these are asked, in this order; a webhook is given as itself. */
  use(links: readonly ("Node" | "RBAC" | "AlwaysAllow" | "AlwaysDeny" | Authorizer)[]): void {
    const known = { Node: this.#node, RBAC: this.#rbac, AlwaysAllow: all, AlwaysDeny: nobody };
    this.#links = links.map((link) => (typeof link === "string" ? known[link] : link));
  }

  /** Answers at once unless a webhook has to be asked. */
  authorize(request: AuthorizationAttributes): Decision | Promise<Decision> {
    if (request.user.groups.includes("system:masters") || partMay(request)) return allow;
    return ask(this.#links, 0, [], request);
  }
}

function ask(
  links: readonly Authorizer[],
  start: number,
  reasons: readonly string[],
  request: AuthorizationAttributes,
): Decision | Promise<Decision> {
  let said = reasons;
  for (let i = start; i < links.length; i++) {
    const found = links[i]?.authorize(request);
    if (found instanceof Promise) {
      const before = said;
      return found.then((late) =>
        late.allowed || late.denied ? late : ask(links, i + 1, withReason(before, late), request),
      );
    }
    if (!found) continue;
    if (found.allowed || found.denied) return found;
    said = withReason(said, found);
  }
  return { allowed: false, reason: said.join("\n") };
}

const withReason = (reasons: readonly string[], { reason }: Decision): readonly string[] =>
  reason === "" ? reasons : [...reasons, reason];
