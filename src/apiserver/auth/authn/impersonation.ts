/** Impersonation: its headers and authorization, with constrained modes (KEP-5284). */
import type { ImpersonationMetrics } from "../../metrics/impersonation.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, Credentials, UserInfo } from "../../auth-contract.ts";
import { denied, DeniedError } from "../../errors.ts";
import { type Mode, modes, type Wanted } from "./impersonation-modes.ts";

type Headers = Credentials["headers"];

const extraPrefix = "impersonate-extra-";
/** Users whose last mode is remembered. */
const maxRemembered = 10_000;

/** Splits the lines of one header, which the carrier has joined. */
const lines = (value: string | undefined): string[] => (value === undefined ? [] : value.split("\n"));

/** Undefined for a request without impersonation. Throws 400 for invalid headers. */
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

/** Printed as in Go (%#v), for the text of an error. */
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

/** Metrics. */
export interface ImpersonationWatch {
  /** Monotonic clock, in milliseconds. */
  now(): number;
  meters: ImpersonationMetrics;
}

/** Label of a mode in metrics. */
const modeLabel = (name: string): string => (name === "" ? "legacy" : name);

/** Authorizes impersonation: by constrained modes first, then by the verb `impersonate`. */
export class Impersonation {
  readonly #authorizer: Authorizer;
  /** The last mode that allowed, by user: it is tried first, and its refusal is the one reported. */
  readonly #last = new Map<string, Mode>();

  readonly #watch: ImpersonationWatch | undefined;

  constructor(authorizer: Authorizer, watch?: ImpersonationWatch) {
    this.#authorizer = authorizer;
    this.#watch = watch;
  }

  /**
   * `request`: the request, as the real user. `constraint`: the verb of the mode that allowed it, "" for the unconstrained one.
   * Throws 403 when no mode allows it.
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
