import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  ObjectReader,
  UserInfo,
} from "../../auth-contract.ts";
import { aggregateText } from "../../../machinery/index.ts";
import type { AuthMetrics, DecisionMeters } from "../../metrics/auth.ts";
import { NodeAuthorizer } from "../node/node-authorizer.ts";
import { partMay } from "../parts.ts";
import type { RbacAuthorizer } from "../rbac/rbac-authorizer.ts";
import { joinedRules, type RuleResolver, type UserRules } from "./user-rules.ts";

export type ListingAuthorizer = Authorizer & RuleResolver;

const allow: Decision = { allowed: true, reason: "" };
const anything = ["*"];
const all: ListingAuthorizer = {
  authorize: () => allow,
  userRules: () => ({
    rules: [
      { verbs: anything, apiGroups: anything, resources: anything },
      { verbs: anything, nonResourceURLs: anything },
    ],
  }),
};
const nobody: ListingAuthorizer = {
  authorize: () => ({ allowed: false, reason: "Everything is forbidden." }),
  userRules: () => ({ rules: [] }),
};

/** An authorizer of the configuration. */
export type ChosenLink =
  | { type: "Node" | "RBAC" | "AlwaysAllow" | "AlwaysDeny"; name: string; authorizer?: undefined }
  | { type: "Webhook" | "ABAC"; name: string; authorizer: ListingAuthorizer };

interface Link {
  type: string;
  name: string;
  authorizer: ListingAuthorizer;
  meters?: DecisionMeters;
}

/**
 * Members of system:masters may do everything; then the authorizers are tried in order until one allows or denies. Default: Node
 * and RBAC.
 */
export class AuthorizerChain implements ListingAuthorizer {
  readonly #node: NodeAuthorizer;
  readonly #rbac: RbacAuthorizer;
  #links: readonly Link[];
  #meters: AuthMetrics | undefined;

  /** `now`: monotonic clock, in milliseconds; without it the node graph is not measured. */
  constructor(rbac: RbacAuthorizer, now?: () => number) {
    this.#rbac = rbac;
    this.#node = new NodeAuthorizer(now);
    this.#links = [
      { type: "Node", name: "node", authorizer: this.#node },
      { type: "RBAC", name: "rbac", authorizer: rbac },
    ];
  }

  attach(objects: ObjectReader, meters?: AuthMetrics): void {
    this.#node.attach(objects, meters);
    this.#rbac.attach(objects);
    this.#meters = meters;
    this.#links = this.#links.map((link) => this.#counted(link));
  }

  /** Replaces the authorizers. */
  use(links: readonly ChosenLink[]): void {
    const known = { Node: this.#node, RBAC: this.#rbac, AlwaysAllow: all, AlwaysDeny: nobody };
    this.#links = links.map((link) => {
      const { type, name } = link;
      return this.#counted({ type, name, authorizer: link.authorizer ?? known[link.type] });
    });
  }

  userRules(user: UserInfo, namespace: string): Required<UserRules> {
    return joinedRules(this.#links.map(({ authorizer }) => authorizer.userRules(user, namespace)));
  }

  /** Metrics, once the server has started. */
  get meters(): AuthMetrics | undefined {
    return this.#meters;
  }

  #counted({ type, name, authorizer }: Link): Link {
    const meters = this.#meters?.decisionsOf(type, name);
    return { type, name, authorizer, ...(meters ? { meters } : {}) };
  }

  /** Synchronous unless a webhook is called. */
  authorize(request: AuthorizationAttributes): Decision | Promise<Decision> {
    if (request.user.groups.includes("system:masters") || partMay(request)) return allow;
    return ask(this.#links, 0, nothingSaid, request);
  }
}

function ask(
  links: readonly Link[],
  start: number,
  before: Said,
  request: AuthorizationAttributes,
): Decision | Promise<Decision> {
  let said = before;
  for (let i = start; i < links.length; i++) {
    const { authorizer, meters } = links[i] as Link;
    const found = authorizer.authorize(request);
    if (found instanceof Promise) {
      const sofar = said;
      return found.then((late) =>
        settles(late, meters) ? late : ask(links, i + 1, together(sofar, late), request),
      );
    }
    if (settles(found, meters)) return found;
    said = together(said, found);
  }
  const { reasons, errors } = said;
  const error = errors.length > 0 ? { error: aggregateText(errors) } : {};
  return { allowed: false, reason: reasons.join("\n"), ...error };
}

/** Whether the decision is final. Only then it is counted. */
function settles({ allowed, denied }: Decision, meters: DecisionMeters | undefined): boolean {
  if (allowed) meters?.allowed();
  else if (denied) meters?.denied();
  return allowed || denied === true;
}

/** What those said who have no opinion. */
interface Said {
  reasons: readonly string[];
  errors: readonly string[];
}

const nothingSaid: Said = { reasons: [], errors: [] };

const together = ({ reasons, errors }: Said, { reason, error }: Decision): Said => ({
  reasons: reason === "" ? reasons : [...reasons, reason],
  errors: error === undefined ? errors : [...errors, error],
});
