/**
 * Modes of constrained impersonation (KEP-5284): a pod's account as its own node, a user as a node, as a ServiceAccount or as
 * another user, each for certain requests only; and the unconstrained one. Pure.
 */
import { isDns1123Label, isDns1123Subdomain } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, UserInfo } from "../../auth-contract.ts";

/** The identity in the headers. */
export interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export interface Mode {
  /** "" for the unconstrained mode. */
  readonly name: string;
  applies(wanted: Wanted, requestor: UserInfo): boolean;
  /** Permissions that the requestor needs, in order; one with `refuse` is denied whatever the authorizer says. */
  checks(wanted: Wanted): Iterable<Check>;
  become(wanted: Wanted): UserInfo;
}

export interface Check {
  readonly attributes: Partial<AuthorizationAttributes>;
  readonly refuse?: string;
  /** A wider permission that replaces this check and others of its kind. */
  readonly instead?: Partial<AuthorizationAttributes>;
}

const authentication = { apiGroup: "authentication.k8s.io", apiVersion: "v1" };
const core = { apiGroup: "", apiVersion: "v1" };
/** From this number on, the permission for all of them is checked first. */
const many = 4;

const accountPrefix = "system:serviceaccount:";
const nodePrefix = "system:node:";

function accountOf(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(accountPrefix)) return undefined;
  const [namespace = "", name = "", ...others] = userName.slice(accountPrefix.length).split(":");
  const valid =
    others.length === 0 && isDns1123Label(namespace).length === 0 && isDns1123Subdomain(name).length === 0;
  return valid ? { namespace, name } : undefined;
}

function nodeOf(userName: string): string | undefined {
  if (!userName.startsWith(nodePrefix)) return undefined;
  const name = userName.slice(nodePrefix.length);
  return isDns1123Subdomain(name).length === 0 ? name : undefined;
}

const onlyName = ({ uid, groups, extra }: Wanted): boolean =>
  uid === "" && groups.length === 0 && Object.keys(extra).length === 0;

/** The node in the requestor's token. */
function ownNode({ name, extra }: UserInfo): string | undefined {
  const nodes = extra?.["authentication.kubernetes.io/node-name"] ?? [];
  return accountOf(name) && nodes.length === 1 ? nodes[0] : undefined;
}

export const modes: readonly Mode[] = [
  limited(
    "associated-node",
    (wanted, requestor) => {
      const node = nodeOf(wanted.name);
      return onlyName(wanted) && node !== undefined && node === ownNode(requestor);
    },
    // Any name: the permission is for one's own node.
    () => "*",
  ),
  limited("arbitrary-node", (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined),
  limited("serviceaccount", (wanted) => onlyName(wanted) && accountOf(wanted.name) !== undefined),
  limited("user-info", ({ name }) => nodeOf(name) === undefined && accountOf(name) === undefined),
  {
    name: "",
    applies: () => true,
    *checks({ name, uid, groups, extra }) {
      const verb = "impersonate";
      const account = accountOf(name);
      yield {
        attributes: { ...core, verb, subresource: "", namespace: "", ...subjectOf(name, account) },
      };
      if (uid !== "") yield named(verb, authentication, "uids", uid);
      for (const group of groups) yield named(verb, core, "groups", group);
      for (const [key, values] of Object.entries(extra)) {
        for (const value of values) yield named(verb, authentication, "userextras", value, key);
      }
    },
    become: (wanted) => settled(wanted, accountGroups(wanted)),
  },
];

const subjectOf = (
  userName: string,
  account: { namespace: string; name: string } | undefined,
): Partial<AuthorizationAttributes> =>
  account ? { resource: "serviceaccounts", ...account } : { resource: "users", name: userName };

const named = (
  verb: string,
  version: Partial<AuthorizationAttributes>,
  resource: string,
  name: string,
  subresource = "",
): Check => ({ attributes: { ...version, verb, resource, subresource, namespace: "", name } });

function limited(
  name: string,
  applies: Mode["applies"],
  nodeNamed: (node: string) => string = (node) => node,
): Mode {
  const verb = `impersonate:${name}`;
  return {
    name,
    applies,
    *checks({ name: userName, uid, groups, extra }) {
      const node = nodeOf(userName);
      yield node === undefined
        ? {
            attributes: {
              ...authentication,
              verb,
              subresource: "",
              namespace: "",
              ...subjectOf(userName, accountOf(userName)),
            },
          }
        : named(verb, authentication, "nodes", nodeNamed(node));
      if (uid !== "") yield named(verb, authentication, "uids", uid);
      yield* groupChecks(verb, groups);
      yield* extraChecks(verb, extra);
    },
    become(wanted) {
      const groups = nodeOf(wanted.name) === undefined ? accountGroups(wanted) : ["system:nodes"];
      return settled(wanted, groups);
    },
  };
}

function* groupChecks(verb: string, groups: readonly string[]): Iterable<Check> {
  const check = (name: string): Check => named(verb, authentication, "groups", name);
  if (groups.includes("")) {
    yield { ...check(""), refuse: "impersonating the empty string group is not allowed" };
  }
  const masters = "system:masters";
  if (groups.includes(masters)) {
    yield { ...check(masters), refuse: `impersonating the ${masters} group is not allowed` };
  }
  const instead = groups.length >= many ? { instead: check("*").attributes } : {};
  for (const group of groups) yield { ...check(group), ...instead };
}

const pathOf = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function* extraChecks(verb: string, extra: Wanted["extra"]): Iterable<Check> {
  for (const [key, values] of Object.entries(extra)) {
    const why = problemOf(key, values);
    if (why) yield { ...named(verb, authentication, "userextras", ""), refuse: why };
  }
  const all = named(verb, authentication, "userextras", "*", "*").attributes;
  const instead = Object.values(extra).flat().length >= many ? { instead: all } : {};
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values)
      yield { ...named(verb, authentication, "userextras", value, key), ...instead };
  }
}

function problemOf(key: string, values: readonly string[]): string | undefined {
  const prefix = "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ";
  if (key === "") return "impersonating the empty string key in extra is not allowed";
  const slash = key.indexOf("/");
  if (slash < 1 || slash === key.length - 1) {
    return `${prefix}${JSON.stringify(key)}: must be a domain-prefixed path (such as "acme.io/foo")`;
  }
  const [host, path] = [key.slice(0, slash), key.slice(slash + 1)];
  const [wrong] = isDns1123Subdomain(host);
  if (wrong) return `${prefix}${JSON.stringify(host)}: ${wrong}`;
  if (!pathOf.test(path))
    return `${prefix}${JSON.stringify(path)}: Invalid path (regex used for validation is '${pathOf.source.slice(1, -1)}')`;
  if (key !== key.toLowerCase()) {
    return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
  }
  if (values.length === 0) return "impersonating empty values in extra is not allowed";
  if (values.includes("")) return "impersonating the empty string value in extra is not allowed";
  return undefined;
}

/** The groups of a ServiceAccount follow from its name, unless others are given. */
function accountGroups({ name, groups }: Wanted): readonly string[] {
  const account = accountOf(name);
  if (!account || groups.length > 0) return groups;
  return ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`];
}

function settled({ name, uid, extra }: Wanted, groups: readonly string[]): UserInfo {
  const everybody =
    name === "system:anonymous"
      ? "system:unauthenticated"
      : groups.includes("system:unauthenticated")
        ? undefined
        : "system:authenticated";
  return {
    name,
    groups: everybody === undefined || groups.includes(everybody) ? groups : [...groups, everybody],
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}
