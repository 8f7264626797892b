/** Maps the claims of a token to a user. Pure. */
import type { UserInfo } from "../../../auth-contract.ts";
import type { CompileExpression } from "../../expressions.ts";
import type { ClaimOrExpression, JwtAuthenticatorConfig } from "./config.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** Maps claims to a user; throws with the reason when they are not acceptable. */
export function userMapper(
  config: JwtAuthenticatorConfig,
  compile: CompileExpression,
): (claims: Claims) => UserInfo {
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = config;
  const checks = claimValidationRules.map((rule) => claimCheck(rule, compile));
  const username = nameMapping(claimMappings.username, compile);
  const groups = claimMappings.groups && groupsMapping(claimMappings.groups, compile);
  const uid = claimMappings.uid && uidMapping(claimMappings.uid, compile);
  const extra = (claimMappings.extra ?? []).map(({ key, valueExpression }) => ({
    key,
    valueExpression,
    valueOf: compile(valueExpression, "claims", "any"),
  }));
  const users = userValidationRules.map((rule) =>
    ruleCheck(
      rule,
      "oidc: error evaluating user info validation rule",
      compile(rule.expression, "user", "bool"),
    ),
  );
  return (claims) => {
    const user: UserInfo = { name: username(claims), groups: groups?.(claims) ?? [] };
    const id = uid?.(claims);
    if (id) user.uid = id;
    for (const check of checks) check(claims);
    const more = extra.flatMap(({ key, valueExpression, valueOf }) => {
      const values = texts(
        valueOf(claims),
        `oidc: error evaluating extra claim expression: ${valueExpression}`,
      );
      return values.length > 0 ? [[key, values] as const] : [];
    });
    if (more.length > 0) user.extra = Object.fromEntries(more);
    const shown = {
      username: user.name,
      groups: user.groups,
      uid: user.uid ?? "",
      extra: user.extra ?? {},
    };
    for (const check of users) check(shown);
    return user;
  };
}

function claimCheck(
  {
    claim,
    requiredValue = "",
    expression,
    message,
  }: NonNullable<JwtAuthenticatorConfig["claimValidationRules"]>[number],
  compile: CompileExpression,
): (claims: Claims) => void {
  if (expression) {
    const what = "oidc: error evaluating claim validation expression";
    return ruleCheck({ expression, message }, what, compile(expression, "claims", "bool"));
  }
  const name = claim ?? "";
  return (claims) => {
    if (!Object.hasOwn(claims, name)) throw new Error(`oidc: required claim ${name} not present in ID token`);
    if (claims[name] !== requiredValue) {
      throw new Error(
        `oidc: required claim ${name} value does not match. Got = ${String(claims[name])}, want = ${requiredValue}`,
      );
    }
  };
}

/** Throws errors with `what` as their prefix. */
function evaluated(what: string, valueOf: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return valueOf(value);
  } catch (cause) {
    throw new Error(`${what}: ${(cause as Error).message}`, { cause });
  }
}

const ruleCheck =
  (
    { expression, message = "" }: { expression: string; message?: string | undefined },
    what: string,
    holds: (value: unknown) => unknown,
  ) =>
  (value: unknown): void => {
    if (evaluated(what, holds, value) !== true)
      throw new Error(`${what}: validation expression '${expression}' failed: ${message}`);
  };

function nameMapping(
  { claim, prefix = "", expression }: ClaimOrExpression,
  compile: CompileExpression,
): (claims: Claims) => string {
  if (expression) {
    const valueOf = compile(expression, "claims", "any");
    const what = "oidc: error evaluating username claim expression";
    return (claims) => {
      const name = evaluated(what, valueOf, claims);
      if (typeof name !== "string")
        throw new Error(`${what}: username claim expression must return a string`);
      if (name === "") throw new Error("oidc: empty username via CEL expression is not allowed");
      return name;
    };
  }
  const key = claim ?? "";
  return (claims) => {
    const name = claims[key];
    if (typeof name !== "string")
      throw new Error(`oidc: could not parse username claims ${JSON.stringify(key)}: claim not present`);
    // An e-mail address as user name must be verified, if the claims say so at all.
    if (key === "email" && Object.hasOwn(claims, "email_verified") && claims.email_verified !== true) {
      throw new Error("oidc: email not verified");
    }
    return prefix + name;
  };
}

function groupsMapping(
  { claim, prefix = "", expression }: ClaimOrExpression,
  compile: CompileExpression,
): (claims: Claims) => string[] {
  if (expression) {
    const valueOf = compile(expression, "claims", "any");
    const what = "oidc: error evaluating group claim expression";
    return (claims) => texts(evaluated(what, valueOf, claims), what);
  }
  const key = claim ?? "";
  return (claims) => {
    const value = key === "" ? undefined : claims[key];
    if (value === undefined || value === null) return [];
    return groupTexts(value, key).map((group) => prefix + group);
  };
}

/** Of a claim every group counts, an empty one too. */
function groupTexts(value: unknown, key: string): string[] {
  const list = (Array.isArray(value) ? value : [value]).map((each) => each ?? "");
  if (list.every((each) => typeof each === "string")) return list;
  throw new Error(`oidc: parse groups claim ${JSON.stringify(key)}: neither a string nor a list of strings`);
}

function uidMapping(
  { claim, expression }: ClaimOrExpression,
  compile: CompileExpression,
): (claims: Claims) => string | undefined {
  if (expression) {
    const valueOf = compile(expression, "claims", "any");
    const what = "oidc: error evaluating uid claim expression";
    return (claims) => {
      const uid = evaluated(what, valueOf, claims);
      if (typeof uid !== "string") throw new Error(`${what}: uid claim expression must return a string`);
      return uid;
    };
  }
  if (!claim) return () => undefined;
  return (claims) => {
    if (typeof claims[claim] !== "string")
      throw new Error(`oidc: could not parse uid claim ${JSON.stringify(claim)}`);
    return claims[claim];
  };
}

/** A string or a list of strings; empty and missing ones are ignored. */
function texts(value: unknown, what: string): string[] {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) {
    return value.filter((each) => each !== "");
  }
  throw new Error(`${what}: expression must return a string or a list of strings`);
}
