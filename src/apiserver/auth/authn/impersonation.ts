/** Acting as somebody else: which headers ask for it, and who may (KEP-5284 on top of what there always was). */
import type { ImpersonationMetrics } from "../../metrics/impersonation.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, Credentials, UserInfo } from "../../auth-contract.ts";
import { denied, DeniedError } from "../../errors.ts";
import { type Mode, modes, type Wanted } from "./impersonation-modes.ts";

type Headers = Credentials["headers"];

const extraPrefix = "impersonate-extra-";
/** Users whose last way of impersonating is remembered. */
const maxRemembered = 10_000;

/** Several lines of one header, which the carrier has joined. */
const lines = (value: string | undefined): string[] => (value === undefined ? [] : value.split("\n"));

/** Undefined for a request that speaks for its own user. Throws 400 for headers that make no sense. */
export function wantedUser(headers: Headers): Wanted | undefined {
  const extras = new Map<string, string[]>();
  let asks = false;
  for (const name in headers) {
    if (!name.startsWith("impersonate-")) continue;
    asks = true;
    if (!name.startsWith(extraPrefix)) continue;
    const key = unescaped(name.slice(extraPrefix.length));
    extras.set(key, [...(extras.get(key) ?? []), ...lines(headers[name])]);
  }
  if (!asks) return undefined;
  const extra = Object.fromEntries(extras);
  const wanted: Wanted = {
    name: lines(headers["impersonate-user"])[0] ?? "",
    uid: lines(headers["impersonate-uid"])[0] ?? "",
    groups: lines(headers["impersonate-group"]),
    extra,
  };
  if (wanted.name !== "") return wanted;
  if (wanted.uid === "" && wanted.groups.length === 0 && Object.keys(extra).length === 0) return undefined;
  throw new DeniedError("BadRequest", `requested ${inGo(wanted)} without impersonating a user name`);
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** As Go prints it (%#v), since the original's message does. */
function inGo({ name, uid, groups, extra }: Wanted): string {
  const list = (items: readonly string[]): string =>
    `[]string{${items.map((each) => JSON.stringify(each)).join(", ")}}`;
  const members = Object.entries(extra)
    .map(([key, items]) => `${JSON.stringify(key)}:${list(items)}`)
    .join(", ");
  return (
    `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, ` +
    `Groups:${groups.length > 0 ? list(groups) : "[]string(nil)"}, ` +
    `Extra:map[string][]string${members === "" ? "(nil)" : `{${members}}`}}`
  );
}

/** Who counts. */
export interface ImpersonationWatch {
  /** Of the clock that goes on steadily, in milliseconds. */
  now(): number;
  meters: ImpersonationMetrics;
}

/** What the one without limits is called where modes are counted. */
const modeLabel = (name: string): string => (name === "" ? "legacy" : name);

/** Decides on impersonation: by the narrow ways first, then by the plain right to impersonate. */
export class Impersonation {
  readonly #authorizer: Authorizer;
  /** By user: the mode that was good for the last time is tried first, and its refusal is the one that is told. */
  readonly #last = new Map<string, Mode>();

  readonly #watch: ImpersonationWatch | undefined;

  constructor(authorizer: Authorizer, watch?: ImpersonationWatch) {
    this.#authorizer = authorizer;
    this.#watch = watch;
  }

  /**
   * `request`: what is to be done, still as the real user. `constraint`: the verb of the narrow mode that allowed it, "" for the
   * plain right. Throws 403 when no mode allows it.
   */
  async actAs(
    wanted: Wanted,
    request: AuthorizationAttributes,
  ): Promise<{ user: UserInfo; constraint: string }> {
    const began = this.#watch?.now() ?? 0;
    const attempted = (mode: string, allowed: boolean): void =>
      this.#watch?.meters.attempted(mode, allowed, this.#watch.now() - began);
    try {
      const { mode, user } = await this.#allowed(wanted, request);
      attempted(modeLabel(mode.name), true);
      return { user, constraint: mode.name === "" ? "" : `impersonate:${mode.name}` };
    } catch (error) {
      attempted("", false);
      throw error;
    }
  }

  async #allowed(wanted: Wanted, request: AuthorizationAttributes): Promise<{ mode: Mode; user: UserInfo }> {
    const { user } = request;
    const last = this.#last.get(user.name);
    const order = last ? [last, ...modes.filter((each) => each !== last)] : modes;
    let refusal: StatusError | undefined;
    for (const mode of order) {
      if (!mode.applies(wanted, user)) continue;
      const problem = await this.#problem(mode, wanted, request);
      if (problem) {
        refusal ??= problem;
        continue;
      }
      if (this.#last.size >= maxRemembered) this.#last.clear();
      this.#last.set(user.name, mode);
      return { mode, user: mode.become(wanted) };
    }
    throw refusal ?? new StatusError("Forbidden", "all impersonation modes failed");
  }

  async #problem(
    mode: Mode,
    wanted: Wanted,
    request: AuthorizationAttributes,
  ): Promise<StatusError | undefined> {
    if (mode.name !== "") {
      const verb = `impersonate-on:${mode.name}:${request.verb}`;
      const problem = await this.#ask({ ...request, verb }, mode);
      if (problem) return problem;
    }
    for (const check of mode.checks(wanted)) {
      const { fieldSelector: _field, labelSelector: _label, ...plain } = request;
      const asked = { ...plain, path: "", isResource: true, ...check.attributes };
      if (check.refuse) return denied(asked, check.refuse);
      if (check.instead && !(await this.#ask({ ...asked, ...check.instead }, mode))) continue;
      const problem = await this.#ask(asked, mode);
      if (problem) return problem;
    }
    return undefined;
  }

  async #ask(attributes: AuthorizationAttributes, mode: Mode): Promise<StatusError | undefined> {
    const began = this.#watch?.now() ?? 0;
    const { allowed, reason } = await this.#authorizer.authorize(attributes);
    this.#watch?.meters.checked(modeLabel(mode.name), allowed, this.#watch.now() - began);
    return allowed ? undefined : denied(attributes, reason);
  }
}
