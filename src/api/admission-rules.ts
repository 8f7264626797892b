/** What webhook configurations and admission policies may hold. */
import {
  type CelType,
  duplicate,
  forbidden,
  invalid,
  isDns1123Subdomain,
  isPortNumber,
  isQualifiedName,
  notSupported,
  required,
} from "../machinery/index.ts";
import { celEngine } from "./cel-engine.ts";
import type { FieldError } from "./definition.ts";
import type {
  MatchCondition,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ParamRef,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  Validation,
  Variable,
} from "./generated/types.ts";
import { compileVariables, type ExpressionScope, expressionProblems } from "./policy-expressions.ts";
import { validateLabelSelector } from "./metadata.ts";

function oneOf(
  value: string | undefined,
  allowed: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (value !== undefined && !allowed.includes(value)) errors.push(notSupported(path, value, allowed));
}

const failurePolicies = ["Fail", "Ignore"];
const matchPolicies = ["Equivalent", "Exact"];
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/** A list of which every element is given, and that says `*` alone or not at all. */
function validateList(
  given: readonly string[] | undefined,
  path: string,
  what: string,
  errors: FieldError[],
): void {
  const list = given ?? [];
  if (list.length === 0) errors.push(required(path));
  if (list.includes("*") && list.length > 1)
    errors.push(invalid(path, list, `if '*' is present, must not specify other ${what}`));
  // The core group is the empty one.
  if (what === "API groups") return;
  for (const [i, value] of list.entries()) if (value === "") errors.push(required(`${path}[${i}]`));
}

function validateResources(given: readonly string[] | undefined, path: string, errors: FieldError[]): void {
  const list = given ?? [];
  if (list.length === 0) errors.push(required(path));
  const every = new Set<string>();
  const subresources = new Set<string>();
  for (const [i, value] of list.entries()) {
    if (value === "") {
      errors.push(required(`${path}[${i}]`));
      continue;
    }
    const slash = value.indexOf("/");
    if (slash < 0) continue;
    const [resource, subresource] = [value.slice(0, slash), value.slice(slash + 1)];
    const clash = every.has(resource)
      ? `${resource}/*`
      : subresources.has(subresource)
        ? `*/${subresource}`
        : list.includes("*/*") && value !== "*/*" && list.indexOf("*/*") < i
          ? "*/*"
          : "";
    if (clash !== "") {
      errors.push(invalid(`${path}[${i}]`, value, `if '${clash}' is present, must not specify ${value}`));
    }
    if (subresource === "*") every.add(resource);
    if (resource === "*") subresources.add(subresource);
  }
  if (list.includes("*/*") && list.length > 1)
    errors.push(invalid(path, list, "if '*/*' is present, must not specify other resources"));
  if (list.includes("*") && list.some((value) => value !== "*" && !value.includes("/"))) {
    errors.push(
      invalid(path, list, "if '*' is present, must not specify other resources without subresources"),
    );
  }
}

function validateRule(rule: RuleWithOperations, path: string, errors: FieldError[]): void {
  const given = rule.operations ?? [];
  if (given.length === 0) errors.push(required(`${path}.operations`));
  if (given.includes("*") && given.length > 1) {
    errors.push(invalid(`${path}.operations`, given, "if '*' is present, must not specify other operations"));
  }
  for (const [i, value] of given.entries()) oneOf(value, operations, `${path}.operations[${i}]`, errors);
  validateList(rule.apiGroups, `${path}.apiGroups`, "API groups", errors);
  validateList(rule.apiVersions, `${path}.apiVersions`, "API versions", errors);
  validateResources(rule.resources, `${path}.resources`, errors);
  oneOf(rule.scope, ["*", "Cluster", "Namespaced"], `${path}.scope`, errors);
}

function validateUrl(text: string, path: string, errors: FieldError[]): void {
  const form = "desired format: https://host[/path]";
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? "";
  if (scheme !== "https")
    errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme; ${form}`));
  const rest = text.slice(scheme.length + 3);
  const host = /^[^/?#]*/.exec(rest)?.[0] ?? "";
  const user = host.includes("@") ? host.slice(0, host.lastIndexOf("@")) : "";
  if (host === "") errors.push(invalid(path, "", `host must be specified; ${form}`));
  if (user !== "") errors.push(invalid(path, user, "user information is not permitted in the URL"));
  const hash = text.indexOf("#");
  if (hash >= 0 && hash < text.length - 1)
    errors.push(invalid(path, text.slice(hash + 1), "fragments are not permitted in the URL"));
  const query = /\?([^#]*)/.exec(text)?.[1];
  if (query) errors.push(invalid(path, query, "query parameters are not permitted in the URL"));
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
  if (!service.name) errors.push(required(`${here}.name`));
  if (!service.namespace) errors.push(required(`${here}.namespace`));
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

function validateConditions(
  conditions: readonly MatchCondition[],
  path: string,
  params: boolean,
  errors: FieldError[],
): void {
  const names = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    const text = expression?.trim() ?? "";
    if (text === "") errors.push(required(`${path}[${i}].expression`));
    else errors.push(...expressionProblems(text, `${path}[${i}].expression`, { params }, "bool"));
    if (!name) errors.push(required(`${path}[${i}].name`));
    else {
      for (const text of isQualifiedName(name)) errors.push(invalid(`${path}[${i}].name`, name, text));
      if (names.has(name)) errors.push(duplicate(`${path}[${i}].name`, name));
      names.add(name);
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
  if (!hook.sideEffects) {
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
  validateClient(hook.clientConfig, `${path}.clientConfig`, errors);
  if ("reinvocationPolicy" in hook)
    oneOf(hook.reinvocationPolicy, ["IfNeeded", "Never"], `${path}.reinvocationPolicy`, errors);
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

function validateMatch(match: MatchResources, path: string, needRules: boolean, errors: FieldError[]): void {
  oneOf(match.matchPolicy, matchPolicies, `${path}.matchPolicy`, errors);
  validateLabelSelector(match.namespaceSelector, `${path}.namespaceSelector`, errors);
  validateLabelSelector(match.objectSelector, `${path}.objectSelector`, errors);
  const rules = match.resourceRules ?? [];
  for (const [i, rule] of rules.entries()) validateRule(rule, `${path}.resourceRules[${i}]`, errors);
  for (const [i, rule] of (match.excludeResourceRules ?? []).entries())
    validateRule(rule, `${path}.excludeResourceRules[${i}]`, errors);
  if (needRules && rules.length === 0) errors.push(required(`${path}.resourceRules`));
}

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

/** What both kinds of policy have in common, up to the rules themselves. */
function validatePolicyHead(policy: Policy, errors: FieldError[]): void {
  const spec = policy.spec;
  oneOf(spec?.failurePolicy, failurePolicies, "spec.failurePolicy", errors);
  if (spec?.paramKind) {
    const { apiVersion, kind } = spec.paramKind;
    if (!apiVersion) errors.push(required("spec.paramKind.apiVersion"));
    if (!kind) errors.push(required("spec.paramKind.kind"));
  }
  if (spec?.matchConstraints) validateMatch(spec.matchConstraints, "spec.matchConstraints", true, errors);
  else errors.push(required("spec.matchConstraints"));
  validateConditions(
    spec?.matchConditions ?? [],
    "spec.matchConditions",
    spec?.paramKind !== undefined,
    errors,
  );
}

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

export function validateValidatingPolicy(policy: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyHead(policy, errors);
  const { validations = [], auditAnnotations = [], variables = [], paramKind } = policy.spec ?? {};
  const params = paramKind !== undefined;
  const types = validateVariables(variables, params, errors);
  const scope = { params, ...(types ? { variables: types } : {}) };
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const text = "validations or auditAnnotations must contain at least one item";
    errors.push(required("spec.validations", text), required("spec.auditAnnotations", text));
  }
  for (const [i, validation] of validations.entries())
    validateValidation(validation, `spec.validations[${i}]`, scope, errors);
  for (const [i, { key, valueExpression }] of auditAnnotations.entries()) {
    const path = `spec.auditAnnotations[${i}]`;
    const name = `${policy.metadata?.name ?? ""}/${key ?? ""}`;
    for (const text of isQualifiedName(name)) errors.push(invalid(`${path}.key`, name, text));
    const text = valueExpression?.trim() ?? "";
    if (text === "") errors.push(required(`${path}.valueExpression`, "valueExpression is not specified"));
    else errors.push(...expressionProblems(text, `${path}.valueExpression`, scope, "string or null"));
  }
  return errors;
}

/** The types of what the other expressions may speak of; undefined when there are no variables. */
function validateVariables(
  variables: readonly Variable[],
  params: boolean,
  errors: FieldError[],
): Map<string, CelType> | undefined {
  const cel = celEngine();
  const compiled = cel && compileVariables(cel, variables, params);
  for (const [i, { name, expression }] of variables.entries()) {
    const path = `spec.variables[${i}]`;
    if (!name?.trim()) errors.push(required(`${path}.name`, "name is not specified"));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name))
      errors.push(invalid(`${path}.name`, name, "must be a valid CEL identifier"));
    const problem = compiled?.problems.get(i);
    if (!expression?.trim()) errors.push(required(`${path}.expression`, "expression is not specified"));
    else if (problem !== undefined) errors.push(invalid(`${path}.expression`, expression, problem));
  }
  return variables.length > 0 ? compiled?.types : undefined;
}

const lineBreak = /[\n\r]/;

function validateValidation(
  { expression, message, messageExpression, reason }: Validation,
  path: string,
  scope: ExpressionScope,
  errors: FieldError[],
): void {
  if (!expression?.trim()) errors.push(required(`${path}.expression`, "expression is not specified"));
  else errors.push(...expressionProblems(expression, `${path}.expression`, scope, "bool"));
  if (messageExpression && messageExpression.trim() === "")
    errors.push(invalid(`${path}.messageExpression`, messageExpression, "must be non-empty if specified"));
  else if (messageExpression)
    errors.push(...expressionProblems(messageExpression, `${path}.messageExpression`, scope, "string"));
  if (message && message.trim() === "")
    errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (message && lineBreak.test(message.trim()))
    errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  oneOf(reason, reasons, `${path}.reason`, errors);
}

const patchTypes = ["ApplyConfiguration", "JSONPatch"];

export function validateMutatingPolicy(policy: MutatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyHead(policy, errors);
  const { mutations = [], reinvocationPolicy } = policy.spec ?? {};
  if (mutations.length === 0)
    errors.push(required("spec.mutations", "mutations must contain at least one item"));
  for (const [i, { patchType, jsonPatch, applyConfiguration }] of mutations.entries()) {
    const path = `spec.mutations[${i}]`;
    if (!patchType) errors.push(required(`${path}.patchType`));
    else oneOf(patchType, patchTypes, `${path}.patchType`, errors);
    const check = (given: { expression?: string } | undefined, name: string, type: string): void => {
      if (patchType !== type) return;
      if (!given) errors.push(required(`${path}.${name}`, `must be specified when patchType is ${type}`));
      else if (!given.expression?.trim()) errors.push(required(`${path}.${name}.expression`));
    };
    check(jsonPatch, "jsonPatch", "JSONPatch");
    check(applyConfiguration, "applyConfiguration", "ApplyConfiguration");
  }
  if (!reinvocationPolicy) errors.push(required("spec.reinvocationPolicy"));
  else oneOf(reinvocationPolicy, ["IfNeeded", "Never"], "spec.reinvocationPolicy", errors);
  return errors;
}

function validateParam(param: ParamRef | undefined, errors: FieldError[]): void {
  if (!param) return;
  const path = "spec.paramRef";
  if (!param.name && !param.selector)
    errors.push(required(path, "one of name or selector must be specified"));
  if (param.name && param.selector) {
    const text = "name and selector are mutually exclusive";
    errors.push(forbidden(`${path}.name`, text), forbidden(`${path}.selector`, text));
  }
  if (!param.parameterNotFoundAction) errors.push(required(`${path}.parameterNotFoundAction`));
  else oneOf(param.parameterNotFoundAction, ["Allow", "Deny"], `${path}.parameterNotFoundAction`, errors);
}

/** Bindings of both kinds; those of validating policies say what happens as well. */
export function validatePolicyBinding(
  binding: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding,
): FieldError[] {
  const errors: FieldError[] = [];
  const spec = binding.spec;
  if (!spec?.policyName) errors.push(required("spec.policyName"));
  else {
    for (const text of isDns1123Subdomain(spec.policyName))
      errors.push(invalid("spec.policyName", spec.policyName, text));
  }
  validateParam(spec?.paramRef, errors);
  if (spec?.matchResources) validateMatch(spec.matchResources, "spec.matchResources", false, errors);
  return errors;
}

export function validateValidatingBinding(binding: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors = validatePolicyBinding(binding);
  const path = "spec.validationActions";
  const actions = binding.spec?.validationActions ?? [];
  if (actions.length === 0) errors.push(required(path, "at least one validation action is required"));
  const seen = new Set<string>();
  for (const [i, action] of actions.entries()) {
    oneOf(action, ["Audit", "Deny", "Warn"], `${path}[${i}]`, errors);
    if (seen.has(action)) errors.push(duplicate(`${path}[${i}]`, action));
    seen.add(action);
  }
  if (seen.has("Deny") && seen.has("Warn")) {
    errors.push(
      invalid(
        path,
        actions,
        "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
      ),
    );
  }
  return errors;
}
