/** AuthorizationConfiguration (apiserver.config.k8s.io, KEP-3221): the authorizers in order. */
import {
  aggregateText,
  duplicate,
  type FieldError,
  invalid,
  isDns1123Subdomain,
  isObject,
  notSupported,
  parseDuration,
  required,
  tooMany,
} from "../../../machinery/index.ts";
import type { AbacPolicy } from "./abac.ts";
import { type CompileExpression, expressionProblems } from "../expressions.ts";

export interface WebhookConfig {
  timeout: string;
  authorizedTTL: string;
  unauthorizedTTL: string;
  cacheAuthorizedRequests?: boolean;
  cacheUnauthorizedRequests?: boolean;
  subjectAccessReviewVersion: "v1" | "v1beta1";
  matchConditionSubjectAccessReviewVersion?: string;
  failurePolicy: "NoOpinion" | "Deny";
  connectionInfo: { type: string; kubeConfigFile?: string };
  matchConditions?: { expression?: string }[];
}

export interface AuthorizerConfig {
  type: "Node" | "RBAC" | "Webhook" | "AlwaysAllow" | "AlwaysDeny" | "ABAC";
  name: string;
  webhook?: WebhookConfig;
  /** Of ABAC: those of --authorization-policy-file. */
  policies?: readonly AbacPolicy[];
}

const versions = ["v1", "v1beta1", "v1alpha1"].map((version) => `apiserver.config.k8s.io/${version}`);
const maxConditions = 64;
const types = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"];

/** `policies`: those of ABAC, if it is among the authorizers. Throws with all mistakes. */
export function readAuthorizationConfig(
  value: unknown,
  compile: CompileExpression,
  policies: () => readonly AbacPolicy[],
): AuthorizerConfig[] {
  if (
    !isObject(value) ||
    value.kind !== "AuthorizationConfiguration" ||
    !versions.includes(String(value.apiVersion))
  ) {
    throw new Error(`the file must hold an AuthorizationConfiguration of ${versions.join(", ")}`);
  }
  const authorizers = ((value.authorizers ?? []) as AuthorizerConfig[]).map(withDefaults);
  const errors = authorizerProblems(authorizers, compile);
  if (errors.length > 0) throw new Error(errors.map((each) => `${each.field}: ${each.message}`).join("; "));
  const misnamed = authorizers.filter(({ type, name }) => type !== "Webhook" && name !== type.toLowerCase());
  if (misnamed.length > 0) throw new Error(aggregateText(misnamed.map(wrongName)));
  return authorizers.map((each) => (each.type === "ABAC" ? { ...each, policies: policies() } : each));
}

const defaultTtls = { authorizedTTL: "5m0s", unauthorizedTTL: "30s" } as const;

/** Times of 0 in a file are the default ones, too. */
function withDefaults(authorizer: AuthorizerConfig): AuthorizerConfig {
  const webhook = authorizer?.webhook;
  if (!webhook) return authorizer;
  const ttl = (name: keyof typeof defaultTtls): string =>
    webhook[name] === undefined || durationMs(webhook[name]) === 0 ? defaultTtls[name] : webhook[name];
  return {
    ...authorizer,
    webhook: {
      ...webhook,
      authorizedTTL: ttl("authorizedTTL"),
      unauthorizedTTL: ttl("unauthorizedTTL"),
    },
  };
}

const wrongName = ({ type, name }: AuthorizerConfig): string =>
  `expected name ${type.toLowerCase()} for authorizer ${type} instead of ${name}`;

export function authorizerProblems(
  authorizers: readonly AuthorizerConfig[],
  compile: CompileExpression,
): FieldError[] {
  const errors: FieldError[] = [];
  if (authorizers.length === 0) {
    errors.push(required("authorizers", "at least one authorization mode must be defined"));
  }
  const seen = new Set<string>();
  authorizers.forEach(({ type, name, webhook }, i) => {
    const path = `authorizers[${i}]`;
    if (!type) errors.push(required(`${path}.type`));
    else if (!types.includes(type)) errors.push(notSupported(`${path}.type`, type, types));
    else if (seen.has(`type ${type}`) && type !== "Webhook") errors.push(duplicate(`${path}.type`, type));
    else {
      if (!name) errors.push(required(`${path}.name`));
      else if (seen.has(`name ${name}`)) errors.push(duplicate(`${path}.name`, name));
      else {
        const problems = isDns1123Subdomain(name);
        if (problems.length > 0) {
          errors.push(invalid(`${path}.name`, name, `authorizer name is invalid: ${problems.join(", ")}`));
        }
      }
      if (type !== "Webhook" && webhook) {
        errors.push(invalid(`${path}.webhook`, "non-null", "may only be specified when type=Webhook"));
      }
      if (type === "Webhook" && !webhook) {
        errors.push(required(`${path}.webhook`, "required when type=Webhook"));
      } else if (type === "Webhook" && webhook) checkWebhook(webhook, path, compile, errors);
    }
    seen.add(`type ${type}`).add(`name ${name}`);
  });
  return errors;
}

function checkWebhook(
  webhook: WebhookConfig,
  path: string,
  compile: CompileExpression,
  errors: FieldError[],
): void {
  const { connectionInfo, matchConditions = [] } = webhook;
  checkDuration(webhook.timeout, `${path}.timeout`, 30_000, "must be > 0s and <= 30s", errors);
  for (const name of ["authorizedTTL", "unauthorizedTTL"] as const) {
    checkDuration(webhook[name], `${path}.${name}`, Number.POSITIVE_INFINITY, "must be > 0s", errors);
  }
  oneOf(webhook.subjectAccessReviewVersion, `${path}.subjectAccessReviewVersion`, ["v1", "v1beta1"], errors);
  oneOf(webhook.failurePolicy, `${path}.failurePolicy`, ["NoOpinion", "Deny"], errors);
  oneOf(connectionInfo?.type, `${path}.connectionInfo.type`, ["KubeConfigFile"], errors);
  const file = connectionInfo?.kubeConfigFile;
  if (!file) errors.push(required(`${path}.connectionInfo.kubeConfigFile`));
  else if (!file.startsWith("/")) {
    errors.push(invalid(`${path}.connectionInfo.kubeConfigFile`, file, "must be an absolute path"));
  }
  if (matchConditions.length > 0 && webhook.matchConditionSubjectAccessReviewVersion !== "v1") {
    const why = "required if match conditions are specified";
    errors.push(required(`${path}.matchConditionSubjectAccessReviewVersion`, why));
  }
  if (matchConditions.length > maxConditions) {
    errors.push(tooMany(`${path}.matchConditions`, matchConditions.length, maxConditions));
    return;
  }
  const seen = new Set<string>();
  matchConditions.forEach(({ expression = "" }, i) => {
    const at = `${path}.matchConditions[${i}].expression`;
    if (expression.trim() === "") errors.push(required(at));
    else if (seen.has(expression)) errors.push(duplicate(at, expression));
    else errors.push(...expressionProblems(compile, expression, "request", "bool", at));
    seen.add(expression);
  });
}

function oneOf(
  value: string | undefined,
  path: string,
  allowed: readonly string[],
  errors: FieldError[],
): void {
  if (!value) errors.push(required(path));
  else if (!allowed.includes(value)) errors.push(notSupported(path, value, allowed));
}

function checkDuration(
  text: string | undefined,
  path: string,
  mostMs: number,
  rule: string,
  errors: FieldError[],
): void {
  const ms = text === undefined ? 0 : durationMs(text);
  if (ms === 0) errors.push(required(path));
  else if (ms === undefined || ms < 0 || ms > mostMs) errors.push(invalid(path, text, rule));
}

/** Undefined for an invalid duration. */
export function durationMs(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
