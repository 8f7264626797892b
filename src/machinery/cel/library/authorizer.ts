/** Authorization checks in expressions (Kubernetes' authz library). Only some places have an `authorizer`. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";
import { isDns1123Label, isDns1123Subdomain } from "../../names.ts";
import { CelOpaque } from "../values.ts";

/** A check of a path, if given, or else of a resource. */
export interface AuthorizationQuestion {
  /** Absent for the request's user. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly verb: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface AuthorizationAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** The error, if the check failed. */
  readonly error?: string;
}

/** Synchronous; exceptions end the evaluation. */
export type AskAuthorizer = (question: AuthorizationQuestion) => AuthorizationAnswer;

interface Check {
  readonly ask: AskAuthorizer;
  readonly question: Omit<AuthorizationQuestion, "verb">;
}

const prefix = "kubernetes.authorization.";
type Kind = "Authorizer" | "PathCheck" | "GroupCheck" | "ResourceCheck";

const check = (kind: Kind, { ask, question }: Check, more: Partial<AuthorizationQuestion> = {}) =>
  new CelOpaque<Check>(`${prefix}${kind}`, { ask, question: { ...question, ...more } }, "");

/** The variable `authorizer`. */
export const authorizerOf = (ask: AskAuthorizer): CelOpaque<Check> =>
  check("Authorizer", { ask, question: {} });

/** The variable `authorizer.requestResource`. */
export const resourceCheckOf = (
  ask: AskAuthorizer,
  question: Omit<AuthorizationQuestion, "verb">,
): CelOpaque<Check> => check("ResourceCheck", { ask, question });

type Of = CelOpaque<Check>;

/** Cost of a check: at most two fit into an expression. */
const costOfCheck = 350_000;

function answer(meter: Meter, { value }: Of, verb: string): CelOpaque<AuthorizationAnswer> {
  meter.step(costOfCheck - 1);
  return new CelOpaque(`${prefix}Decision`, value.ask({ ...value.question, verb }), "");
}

function notEmpty(what: string, text: string): void {
  if (text.trim() === "") throw new CelEvaluationError(`${what} must not be empty`);
}

const setting =
  (name: keyof AuthorizationQuestion) =>
  (_meter: Meter, { value }: Of, text: string): Of =>
    check("ResourceCheck", value, { [name]: text });

type Decision = CelOpaque<AuthorizationAnswer>;

const signatures: Library = {
  "Authorizer.path(string): PathCheck": (_meter, { value }: Of, path: string) => {
    notEmpty("path", path);
    return check("PathCheck", value, { path });
  },
  "Authorizer.group(string): GroupCheck": (_meter, { value }: Of, group: string) =>
    check("GroupCheck", value, { group }),
  "Authorizer.serviceAccount(string, string): Authorizer": (
    _meter,
    { value }: Of,
    namespace: string,
    name: string,
  ) => {
    if (isDns1123Subdomain(name).length > 0) throw new CelEvaluationError("Invalid service account name");
    if (isDns1123Label(namespace).length > 0)
      throw new CelEvaluationError("Invalid service account namespace");
    return check("Authorizer", value, { serviceAccount: { namespace, name } });
  },
  "GroupCheck.resource(string): ResourceCheck": (_meter, { value }: Of, resource: string) => {
    notEmpty("resource", resource);
    return check("ResourceCheck", value, { resource });
  },
  "ResourceCheck.subresource(string): ResourceCheck": setting("subresource"),
  "ResourceCheck.namespace(string): ResourceCheck": setting("namespace"),
  "ResourceCheck.name(string): ResourceCheck": setting("name"),
  "ResourceCheck.fieldSelector(string): ResourceCheck": setting("fieldSelector"),
  "ResourceCheck.labelSelector(string): ResourceCheck": setting("labelSelector"),
  "PathCheck.check(string): Decision": answer,
  "ResourceCheck.check(string): Decision": answer,
  "Decision.allowed(): bool": (_meter, { value }: Decision) => value.allowed,
  "Decision.reason(): string": (_meter, { value }: Decision) => value.reason,
  "Decision.errored(): bool": (_meter, { value }: Decision) => value.error !== undefined,
  "Decision.error(): string": (_meter, { value }: Decision) => value.error ?? "",
};

/** Expands the names of types. */
const named = (signature: string): string =>
  signature.replaceAll(/\b(Authorizer|PathCheck|GroupCheck|ResourceCheck|Decision)\b/g, `${prefix}$1`);

export const authorization: Library = Object.fromEntries(
  Object.entries(signatures).map(([signature, body]) => [named(signature), body]),
);
