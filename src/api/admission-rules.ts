/** Rules of admission policies, some shared with webhook configurations. */
import {
  type CelType,
  duplicate,
  forbidden,
  invalid,
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isQualifiedName,
  notSupported,
  repeatsIn,
  required,
  tooMany,
} from "../machinery/index.ts";
import { celEngine } from "./cel-engine.ts";
import type { FieldError } from "./definition.ts";
import type {
  AuditAnnotation,
  MatchCondition,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from "./generated/types.ts";
import {
  compileVariables,
  type ExpressionScope,
  expressionProblems,
  mistakeOf,
} from "./policy-expressions.ts";
import { validateLabelSelector } from "./metadata.ts";

export function oneOf(
  value: string | undefined,
  allowed: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (value !== undefined && !allowed.includes(value)) errors.push(notSupported(path, value, allowed));
}

export const failurePolicies = ["Fail", "Ignore"];
export const matchPolicies = ["Equivalent", "Exact"];
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/** A list of non-empty elements, with `*` only alone. */
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
  // The core group is "".
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
    const clashes = [
      ...(every.has(resource) ? [`${resource}/*`] : []),
      ...(subresources.has(subresource) ? [`*/${subresource}`] : []),
    ];
    for (const clash of clashes)
      errors.push(invalid(`${path}[${i}]`, value, `if '${clash}' is present, must not specify ${value}`));
    if (subresource === "*") every.add(resource);
    if (resource === "*") subresources.add(subresource);
  }
  if (list.includes("*/*") && list.length > 1)
    errors.push(invalid(path, list, "if '*/*' is present, must not specify other resources"));
  // As in Kubernetes, the last one counts.
  const plain = list.findLast((value) => value !== "" && !value.includes("/"));
  if (list.includes("*") && plain !== "*") {
    errors.push(
      invalid(path, list, "if '*' is present, must not specify other resources without subresources"),
    );
  }
}

function validateNamedRule(rule: NamedRuleWithOperations, path: string, errors: FieldError[]): void {
  const names = rule.resourceNames ?? [];
  const again = repeatsIn(names);
  for (const [i, name] of names.entries()) {
    for (const text of isPathSegmentName(name))
      errors.push(invalid(`${path}.resourceNames[${i}]`, name, text));
    if (again.has(i)) errors.push(duplicate(`${path}.resourceNames[${i}]`, name));
  }
  validateRule(rule, path, errors);
}

export function validateRule(rule: RuleWithOperations, path: string, errors: FieldError[]): void {
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

/** Maximum number of match conditions. */
const maxConditions = 64;

export function validateConditions(
  conditions: readonly MatchCondition[],
  path: string,
  params: boolean,
  errors: FieldError[],
): void {
  const names = new Set<string>();
  if (conditions.length > maxConditions) errors.push(tooMany(path, conditions.length, maxConditions));
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

function validateMatch(match: MatchResources, path: string, needRules: boolean, errors: FieldError[]): void {
  oneOf(match.matchPolicy, matchPolicies, `${path}.matchPolicy`, errors);
  validateLabelSelector(match.namespaceSelector, `${path}.namespaceSelector`, errors);
  validateLabelSelector(match.objectSelector, `${path}.objectSelector`, errors);
  const rules = match.resourceRules ?? [];
  for (const [i, rule] of rules.entries()) validateNamedRule(rule, `${path}.resourceRules[${i}]`, errors);
  for (const [i, rule] of (match.excludeResourceRules ?? []).entries())
    validateNamedRule(rule, `${path}.excludeResourceRules[${i}]`, errors);
  if (needRules && rules.length === 0) errors.push(required(`${path}.resourceRules`));
}

function validateParamKind(
  { apiVersion = "", kind = "" }: ParamKind,
  path: string,
  errors: FieldError[],
): void {
  const version = `${path}.apiVersion`;
  const parts = apiVersion.split("/");
  if (apiVersion === "") errors.push(required(version));
  else if (parts.length > 2)
    errors.push(invalid(version, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else {
    const group = apiVersion === "/" || parts.length === 1 ? "" : (parts[0] as string);
    const name = apiVersion === "/" ? "" : (parts.at(-1) as string);
    const ofGroup = group === "" ? [] : isDns1123Subdomain(group);
    if (ofGroup.length > 0) errors.push(invalid(version, group, ofGroup.join(",")));
    if (name === "") errors.push(invalid(version, apiVersion, "version must be specified"));
    else {
      const ofVersion = isDns1035Label(name);
      if (ofVersion.length > 0) errors.push(invalid(version, name, ofVersion.join(",")));
    }
  }
  if (kind === "") errors.push(required(`${path}.kind`));
  else {
    const texts = isDns1035Label(kind.toLowerCase());
    if (texts.length > 0)
      errors.push(
        invalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${texts.join(",")}`),
      );
  }
}

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

/** Rules shared by both kinds of policies, except their own expressions. */
export function validatePolicyHead(policy: Policy, errors: FieldError[], afterMatch = () => {}): void {
  const spec = policy.spec;
  oneOf(spec?.failurePolicy, failurePolicies, "spec.failurePolicy", errors);
  if (spec?.paramKind) {
    validateParamKind(spec.paramKind, "spec.paramKind", errors);
  }
  if (spec?.matchConstraints) validateMatch(spec.matchConstraints, "spec.matchConstraints", true, errors);
  else errors.push(required("spec.matchConstraints"));
  afterMatch();
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
  validateAnnotations(policy.metadata?.name ?? "", auditAnnotations, scope, errors);
  return errors;
}

const maxAnnotations = 20;
/** In bytes. */
const maxAnnotationExpression = 5 * 1024;

function validateAnnotations(
  policy: string,
  annotations: readonly AuditAnnotation[],
  scope: ExpressionScope,
  errors: FieldError[],
): void {
  const keys = new Set<string>();
  const all = "spec.auditAnnotations";
  if (annotations.length > maxAnnotations)
    errors.push(
      invalid(
        all,
        annotations.map(({ key, valueExpression }) => ({
          Key: key ?? "",
          ValueExpression: valueExpression ?? "",
        })),
        `must not have more than ${maxAnnotations} auditAnnotations`,
      ),
    );
  for (const [i, { key = "", valueExpression = "" }] of annotations.entries()) {
    const path = `${all}[${i}]`;
    const name = `${policy}/${key}`;
    if (policy === "") errors.push(invalid(`${path}.key`, key, "requires metadata.name be non-empty"));
    else for (const text of isQualifiedName(name)) errors.push(invalid(`${path}.key`, name, text));
    const expression = valueExpression.trim();
    const value = `${path}.valueExpression`;
    if (expression === "") errors.push(required(value, "valueExpression is not specified"));
    else if (Buffer.byteLength(expression) > maxAnnotationExpression)
      errors.push(required(value, `must not exceed ${maxAnnotationExpression} bytes in length`));
    else errors.push(...expressionProblems(expression, value, scope, "string or null"));
    if (keys.has(key)) errors.push(duplicate(`${path}.key`, key));
    keys.add(key);
  }
}

const notNames = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace return var " +
    "void while"
  ).split(" "),
);

/** The types available to the other expressions; undefined without variables. */
export function validateVariables(
  variables: readonly Variable[],
  params: boolean,
  errors: FieldError[],
): Map<string, CelType> | undefined {
  const cel = celEngine();
  const compiled = cel && compileVariables(cel, variables, params);
  for (const [i, { name, expression }] of variables.entries()) {
    const path = `spec.variables[${i}]`;
    if (!name?.trim()) errors.push(required(`${path}.name`, "name is not specified"));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || notNames.has(name))
      errors.push(invalid(`${path}.name`, name, "must be a valid CEL identifier"));
    const problem = compiled?.problems.get(i);
    if (!expression?.trim()) errors.push(required(`${path}.expression`, "expression is not specified"));
    else if (problem !== undefined) errors.push(mistakeOf(`${path}.expression`, expression, problem));
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
    errors.push(
      ...expressionProblems(
        messageExpression,
        `${path}.messageExpression`,
        { ...scope, authorizer: false },
        "string",
      ),
    );
  if (message && message.trim() === "")
    errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (message && lineBreak.test(message.trim()))
    errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  oneOf(reason, reasons, `${path}.reason`, errors);
}

function validateParam(param: ParamRef | undefined, errors: FieldError[]): void {
  if (!param) return;
  const path = "spec.paramRef";
  const both = "name and selector are mutually exclusive";
  if (param.name) {
    for (const text of isPathSegmentName(param.name)) errors.push(invalid(`${path}.name`, param.name, text));
    if (param.selector) errors.push(forbidden(`${path}.name`, both));
  }
  validateLabelSelector(param.selector, `${path}.selector`, errors);
  if (param.name && param.selector) errors.push(forbidden(`${path}.selector`, both));
  if (!param.name && !param.selector)
    errors.push(required(path, "one of name or selector must be specified"));
  if (!param.parameterNotFoundAction) errors.push(required(`${path}.parameterNotFoundAction`));
  else oneOf(param.parameterNotFoundAction, ["Deny", "Allow"], `${path}.parameterNotFoundAction`, errors);
}

/** Bindings of both kinds; those of validating policies also have actions. */
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
