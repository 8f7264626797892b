import { StatusError } from "../../../machinery/index.ts";
import type { Authenticator, Authorizer, Credentials, ObjectReader, UserInfo } from "../../auth-contract.ts";

const extraPrefix = "impersonate-extra-";
const accountPrefix = "system:serviceaccount:";

interface Wanted {
  resource: string;
  subresource: string;
  group: string;
  namespace: string;
  name: string;
}

const values = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");

/** What an impersonating request asks to be, as the things one must be allowed to impersonate. */
function wantedOf(headers: Credentials["headers"]): Wanted[] {
  const user = headers["impersonate-user"];
  const core = { subresource: "", group: "", namespace: "" };
  const wanted: Wanted[] = [];
  if (user !== undefined) {
    const [namespace, name] = user.startsWith(accountPrefix)
      ? user.slice(accountPrefix.length).split(":")
      : [];
    wanted.push(
      namespace !== undefined && name !== undefined
        ? { ...core, resource: "serviceaccounts", namespace, name }
        : { ...core, resource: "users", name: user },
    );
  }
  for (const group of values(headers["impersonate-group"]))
    wanted.push({ ...core, resource: "groups", name: group });
  const authentication = { group: "authentication.k8s.io", namespace: "" };
  if (headers["impersonate-uid"] !== undefined)
    wanted.push({ ...authentication, resource: "uids", subresource: "", name: headers["impersonate-uid"] });
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    const key = decodeURIComponent(name.slice(extraPrefix.length));
    for (const each of values(value))
      wanted.push({ ...authentication, resource: "userextras", subresource: key, name: each });
  }
  return wanted;
}

function impersonated(wanted: readonly Wanted[]): UserInfo {
  const user = wanted.find((w) => w.resource === "users" || w.resource === "serviceaccounts");
  if (!user)
    throw new StatusError("InternalError", "requested impersonation headers without impersonating a user");
  const groups = wanted.filter((w) => w.resource === "groups").map((w) => w.name);
  const account = user.resource === "serviceaccounts";
  const name = account ? `${accountPrefix}${user.namespace}:${user.name}` : user.name;
  if (account && groups.length === 0)
    groups.push("system:serviceaccounts", `system:serviceaccounts:${user.namespace}`);
  const last = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (!groups.includes(last)) groups.push(last);
  const uid = wanted.find((w) => w.resource === "uids")?.name;
  const extra: Record<string, string[]> = {};
  for (const w of wanted) if (w.resource === "userextras") (extra[w.subresource] ??= []).push(w.name);
  return {
    name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Lets a user act as another when RBAC allows the verb `impersonate` on everything the other one is. */
export class ImpersonatingAuthenticator implements Authenticator {
  readonly #inner: Authenticator;
  readonly #authorizer: Authorizer;

  constructor(inner: Authenticator, authorizer: Authorizer) {
    this.#inner = inner;
    this.#authorizer = authorizer;
  }

  attach(objects: ObjectReader): void {
    this.#inner.attach?.(objects);
  }

  authenticate(request: Credentials): Promise<UserInfo | undefined> | UserInfo | undefined {
    const { headers } = request;
    const asks =
      headers["impersonate-user"] !== undefined ||
      headers["impersonate-group"] !== undefined ||
      headers["impersonate-uid"] !== undefined ||
      Object.keys(headers).some((name) => name.startsWith(extraPrefix));
    return asks ? this.#impersonate(request) : this.#inner.authenticate(request);
  }

  async #impersonate(request: Credentials): Promise<UserInfo> {
    const user = (await this.#inner.authenticate(request)) ?? {
      name: "system:anonymous",
      groups: ["system:unauthenticated"],
    };
    const wanted = wantedOf(request.headers);
    const target = impersonated(wanted);
    for (const want of wanted) {
      const decision = await this.#authorizer.authorize({
        user,
        verb: "impersonate",
        apiGroup: want.group,
        apiVersion: "v1",
        resource: want.resource,
        subresource: want.subresource,
        namespace: want.namespace,
        name: want.name,
        path: "",
        isResource: true,
      });
      if (decision.allowed) continue;
      const resource = want.subresource === "" ? want.resource : `${want.resource}/${want.subresource}`;
      const qualified = want.group === "" ? want.resource : `${want.resource}.${want.group}`;
      const where = want.namespace === "" ? "at the cluster scope" : `in the namespace "${want.namespace}"`;
      throw new StatusError(
        "Forbidden",
        `${qualified} "${want.name}" is forbidden: User "${user.name}" cannot impersonate resource "${resource}" ` +
          `in API group "${want.group}" ${where}`,
        { details: { name: want.name, kind: want.resource, ...(want.group ? { group: want.group } : {}) } },
      );
    }
    return target;
  }
}
