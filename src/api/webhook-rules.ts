/** What webhook configurations may hold. */
import {
  duplicate,
  invalid,
  isDns1035Label,
  isDns1123Subdomain,
  isPortNumber,
  parseGoUrl,
  required,
} from "../machinery/index.ts";
import {
  failurePolicies,
  matchPolicies,
  oneOf,
  validateConditions,
  validateRule,
} from "./admission-rules.ts";
import type { FieldError } from "./definition.ts";
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "./generated/types.ts";
import { given } from "./given.ts";
import { validateLabelSelector } from "./metadata.ts";

function validateUrl(text: string, path: string, errors: FieldError[]): void {
  const form = "desired format: https://host[/path]";
  const url = parseGoUrl(text);
  if (typeof url === "string") {
    errors.push(required(path, `url must be a valid URL: ${url}; ${form}`));
    return;
  }
  const { scheme, host, user, query } = url;
  if (scheme !== "https")
    errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme; ${form}`));
  if (host === "") errors.push(invalid(path, "", `host must be specified; ${form}`));
  if (user !== undefined) errors.push(invalid(path, user, "user information is not permitted in the URL"));
  const hash = text.indexOf("#");
  if (hash >= 0 && hash < text.length - 1)
    errors.push(invalid(path, text.slice(hash + 1), "fragments are not permitted in the URL"));
  if (query !== "") errors.push(invalid(path, query, "query parameters are not permitted in the URL"));
}

export function validateClient(
  client: ValidatingWebhook["clientConfig"] | undefined,
  path: string,
  errors: FieldError[],
): void {
  const { url, service } = client ?? {};
  if ((url === undefined) === (service === undefined)) {
    errors.push(required(path, "exactly one of url or service is required"));
    return;
  }
  if (url !== undefined) validateUrl(url, `${path}.url`, errors);
  if (!service) return;
  const here = `${path}.service`;
  // Kubernetes takes the one for the other here, and says so of the other field, in this order.
  if (!service.namespace) errors.push(required(`${here}.name`));
  if (!service.name) errors.push(required(`${here}.namespace`));
  for (const text of isPortNumber(service.port ?? 443))
    errors.push(invalid(`${here}.port`, service.port, `port is not valid: ${text}`));
  const target = service.path;
  if (!target || target === "/") return;
  if (target === "//") {
    errors.push(invalid(`${here}.path`, target, "segment[0] may not be empty"));
    return;
  }
  if (!target.startsWith("/")) {
    errors.push(invalid(`${here}.path`, target, "must start with a '/'"));
  }
  const segments = (target.endsWith("/") ? target.slice(1, -1) : target.slice(1)).split("/");
  for (const [i, segment] of segments.entries()) {
    if (segment === "") {
      errors.push(invalid(`${here}.path`, target, `segment[${i}] may not be empty`));
    } else {
      for (const text of isDns1123Subdomain(segment))
        errors.push(invalid(`${here}.path`, target, `segment[${i}]: ${text}`));
    }
  }
}

const versions = ["v1", "v1beta1"];

function validateVersions(given: readonly string[], path: string, errors: FieldError[]): void {
  if (given.length === 0) {
    errors.push(required(path, `must specify one of ${versions.join(", ")}`));
    return;
  }
  const seen = new Set<string>();
  for (const [i, version] of given.entries()) {
    if (seen.has(version)) errors.push(invalid(`${path}[${i}]`, version, "duplicate version"));
    else for (const text of isDns1035Label(version)) errors.push(invalid(`${path}[${i}]`, version, text));
    seen.add(version);
  }
  if (!given.some((version) => versions.includes(version)))
    errors.push(invalid(path, given, `must include at least one of ${versions.join(", ")}`));
}

const sideEffects = ["None", "NoneOnDryRun"];
const longestTimeout = 30;

function validateWebhook(
  hook: ValidatingWebhook | MutatingWebhook,
  path: string,
  errors: FieldError[],
): void {
  const { name, timeoutSeconds } = hook;
  if (!name) errors.push(required(`${path}.name`));
  else {
    const texts = isDns1123Subdomain(name);
    for (const text of texts) errors.push(invalid(`${path}.name`, name, text));
    if (texts.length === 0 && name.split(".").length < 3) {
      errors.push(
        invalid(`${path}.name`, name, "should be a domain with at least three segments separated by dots"),
      );
    }
  }
  for (const [i, rule] of (hook.rules ?? []).entries()) validateRule(rule, `${path}.rules[${i}]`, errors);
  oneOf(hook.failurePolicy, failurePolicies, `${path}.failurePolicy`, errors);
  oneOf(hook.matchPolicy, matchPolicies, `${path}.matchPolicy`, errors);
  if (given(hook).sideEffects === undefined) {
    errors.push(required(`${path}.sideEffects`, `must specify one of ${sideEffects.join(", ")}`));
  } else oneOf(hook.sideEffects, sideEffects, `${path}.sideEffects`, errors);
  if (timeoutSeconds !== undefined && (timeoutSeconds > longestTimeout || timeoutSeconds < 1)) {
    errors.push(
      invalid(
        `${path}.timeoutSeconds`,
        timeoutSeconds,
        `the timeout value must be between 1 and ${longestTimeout} seconds`,
      ),
    );
  }
  validateLabelSelector(hook.namespaceSelector, `${path}.namespaceSelector`, errors);
  validateLabelSelector(hook.objectSelector, `${path}.objectSelector`, errors);
  if ("reinvocationPolicy" in hook)
    oneOf(hook.reinvocationPolicy, ["IfNeeded", "Never"], `${path}.reinvocationPolicy`, errors);
  validateClient(hook.clientConfig, `${path}.clientConfig`, errors);
  validateConditions(hook.matchConditions ?? [], `${path}.matchConditions`, false, errors);
  validateVersions(hook.admissionReviewVersions ?? [], `${path}.admissionReviewVersions`, errors);
}

export function validateWebhooks(
  configuration: ValidatingWebhookConfiguration | MutatingWebhookConfiguration,
): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, hook] of (configuration.webhooks ?? []).entries()) {
    validateWebhook(hook, `webhooks[${i}]`, errors);
    if (!hook.name) continue;
    if (names.has(hook.name)) errors.push(duplicate(`webhooks[${i}].name`, hook.name));
    names.add(hook.name);
  }
  return errors;
}
