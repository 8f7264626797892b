/** Validation of FlowSchemas and PriorityLevelConfigurations. */
import {
  deepEqual,
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  required,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import { each } from "./field-rules.ts";
import type {
  FlowSchema,
  FlowcontrolV1Subject,
  LimitResponse,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  QueuingConfiguration,
  ResourcePolicyRule,
  ServiceAccountSubject,
} from "./generated/types.ts";
import { internalForm } from "./internal-form.ts";

const subjectKinds = ["Group", "ServiceAccount", "User"];
const distinguishers = ["ByNamespace", "ByUser"];
const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const largestPrecedence = 10_000;

function validateAccount(account: ServiceAccountSubject, path: string, errors: FieldError[]): void {
  const { name, namespace } = account;
  if (!name) errors.push(required(`${path}.name`));
  else if (name !== "*") each(isDns1123Subdomain, `${path}.name`, name, errors);
  if (namespace) each(isDns1123Label, `${path}.namespace`, namespace, errors);
  else errors.push(required(`${path}.namespace`, "must specify namespace for service account"));
}

const members = { ServiceAccount: "serviceAccount", User: "user", Group: "group" } as const;

function validateSubject(subject: FlowcontrolV1Subject, path: string, errors: FieldError[]): void {
  const kind = subject.kind ?? "";
  const member = members[kind as keyof typeof members] as (typeof members)[keyof typeof members] | undefined;
  if (!member) {
    errors.push(notSupported(`${path}.kind`, kind, subjectKinds));
    return;
  }
  const given = subject[member];
  const here = `${path}.${member}`;
  if (!given) errors.push(required(here, `${member} is required when subject kind is '${kind}'`));
  else if (member === "serviceAccount") validateAccount(given as ServiceAccountSubject, here, errors);
  else if (!given.name) errors.push(required(`${here}.name`));
  for (const [otherKind, other] of Object.entries(members)) {
    if (other === member || !subject[other]) continue;
    const text = `${other} is forbidden when subject kind is not '${otherKind}'`;
    errors.push(forbidden(`${path}.${other}`, text));
  }
}

/** A list where `*` means all and must be alone. */
function alone(list: readonly string[], path: string, what: string, errors: FieldError[]): void {
  if (list.length > 1 && list.includes("*"))
    errors.push(invalid(path, list, `if '*' is present, must not specify other ${what}`));
}

function validateVerbs(given: readonly string[] = [], path: string, errors: FieldError[]): void {
  if (given.length === 0) errors.push(required(path, "verbs must contain at least one value"));
  else if (given.includes("*")) alone(given, path, "verbs", errors);
  else if (!given.every((verb) => verbs.includes(verb))) errors.push(notSupported(path, given, verbs));
}

function urlProblem(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (url === "/") return undefined;
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const stars = url.split("*").length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith("/*"))
    ? "wildcard can only do suffix matching"
    : undefined;
}

function validateNonResourceRule(rule: NonResourcePolicyRule, path: string, errors: FieldError[]): void {
  validateVerbs(rule.verbs, `${path}.verbs`, errors);
  const urls = rule.nonResourceURLs ?? [];
  const here = `${path}.nonResourceURLs`;
  if (urls.length === 0) errors.push(required(here, "nonResourceURLs must contain at least one value"));
  else if (urls.includes("*")) alone(urls, here, "non-resource URLs", errors);
  else {
    for (const [i, url] of urls.entries()) {
      const problem = urlProblem(url);
      if (problem) errors.push(invalid(`${here}[${i}]`, url, problem));
    }
  }
}

function validateResourceRule(rule: ResourcePolicyRule, path: string, errors: FieldError[]): void {
  validateVerbs(rule.verbs, `${path}.verbs`, errors);
  const { namespaces = [], clusterScope } = rule;
  const apiGroups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  if (apiGroups.length === 0)
    errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  else alone(apiGroups, `${path}.apiGroups`, "api groups", errors);
  if (resources.length === 0)
    errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
  else alone(resources, `${path}.resources`, "resources", errors);
  const here = `${path}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) {
    const text = "resource rules that are not cluster scoped must supply at least one namespace";
    errors.push(required(here, text));
  } else if (namespaces.includes("*")) alone(namespaces, here, "namespaces", errors);
  else {
    for (const [i, namespace] of namespaces.entries())
      for (const text of isDns1123Label(namespace)) {
        const intro = "each member of this list must be '*' or a DNS-1123 label; ";
        errors.push(invalid(`${here}[${i}]`, namespace, intro + text));
      }
  }
}

function validateRules(rules: PolicyRulesWithSubjects, path: string, errors: FieldError[]): void {
  const { resourceRules = [], nonResourceRules = [] } = rules;
  const subjects = rules.subjects ?? [];
  if (subjects.length === 0)
    errors.push(required(`${path}.subjects`, "subjects must contain at least one value"));
  for (const [i, subject] of subjects.entries()) validateSubject(subject, `${path}.subjects[${i}]`, errors);
  if (resourceRules.length === 0 && nonResourceRules.length === 0)
    errors.push(required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  for (const [i, rule] of resourceRules.entries())
    validateResourceRule(rule, `${path}.resourceRules[${i}]`, errors);
  for (const [i, rule] of nonResourceRules.entries())
    validateNonResourceRule(rule, `${path}.nonResourceRules[${i}]`, errors);
}

/** Condition types are required and unique. */
export function validateFlowStatus({ status }: FlowSchema | PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { type = "" }] of (status?.conditions ?? []).entries()) {
    const path = `status.conditions[${i}].type`;
    if (seen.has(type)) errors.push(duplicate(path, type));
    seen.add(type);
    if (type === "") errors.push(required(path));
  }
  return errors;
}

const everything = [
  {
    verbs: ["*"],
    apiGroups: ["*"],
    resources: ["*"],
    clusterScope: true,
    namespaces: ["*"],
  },
];
const everyUrl = [{ verbs: ["*"], nonResourceURLs: ["*"] }];
const groups = (...names: string[]): object[] => names.map((name) => ({ kind: "Group", group: { name } }));

/** Mandatory schemas, which cannot be changed. */
const fixedSchemas: Readonly<Record<string, object>> = {
  exempt: {
    priorityLevelConfiguration: { name: "exempt" },
    matchingPrecedence: 1,
    rules: [{ subjects: groups("system:masters"), resourceRules: everything, nonResourceRules: everyUrl }],
  },
  "catch-all": {
    priorityLevelConfiguration: { name: "catch-all" },
    matchingPrecedence: largestPrecedence,
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: groups("system:unauthenticated", "system:authenticated"),
        resourceRules: everything,
        nonResourceRules: everyUrl,
      },
    ],
  },
};

const precedenceOf = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 1000;

/** The matching order: by precedence, then by name. */
export const flowSchemaOrder = (a: FlowSchema, b: FlowSchema): number =>
  precedenceOf(a) - precedenceOf(b) || ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1);

export function validateFlowSchema(schema: FlowSchema): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = schema;
  const name = schema.metadata?.name ?? "";
  const precedence = spec?.matchingPrecedence ?? 0;
  const wrong = (text: string): void =>
    void errors.push(invalid("spec.matchingPrecedence", precedence, text));
  if (precedence <= 0) wrong("must be a positive value");
  if (precedence > largestPrecedence) wrong(`must not be greater than ${largestPrecedence}`);
  if (precedence === 1 && name !== "exempt")
    wrong("only the schema named 'exempt' may have matchingPrecedence 1");
  const method = spec?.distinguisherMethod;
  if (method && !distinguishers.includes(method.type)) {
    errors.push(notSupported("spec.distinguisherMethod.type", { Type: method.type ?? "" }, distinguishers));
  }
  const level = spec?.priorityLevelConfiguration?.name ?? "";
  const path = "spec.priorityLevelConfiguration.name";
  if (level === "") errors.push(required(path, "must reference a priority level"));
  else each(isDns1123Subdomain, path, level, errors);
  for (const [i, rules] of (spec?.rules ?? []).entries()) validateRules(rules, `spec.rules[${i}]`, errors);
  const fixed = fixedSchemas[name];
  if (fixed && !deepEqual(spec, fixed)) {
    const shown = internalForm("flowcontrol.FlowSchemaSpec", spec ?? {});
    errors.push(invalid("spec", shown, `spec of '${name}' must equal the fixed value`));
  }
  return [...errors, ...validateFlowStatus(schema)];
}

const mostQueues = 10_000_000;
const hashBits = 60;

function validateQueuing(queuing: QueuingConfiguration, path: string, errors: FieldError[]): void {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  if (queueLengthLimit <= 0)
    errors.push(invalid(`${path}.queueLengthLimit`, queueLengthLimit, "must be positive"));
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, "must be positive"));
  else if (queues > mostQueues)
    errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${mostQueues}`));
  const wrong = (text: string): void => void errors.push(invalid(`${path}.handSize`, handSize, text));
  if (handSize <= 0) wrong("must be positive");
  else if (handSize > queues) wrong(`should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBits) {
    wrong(
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBits}`,
    );
  }
}

function validateLimitResponse(
  response: LimitResponse | undefined,
  path: string,
  errors: FieldError[],
): void {
  const { type = "", queuing } = response ?? {};
  const here = `${path}.queuing`;
  if (type === "Reject") {
    if (queuing) errors.push(forbidden(here, "must be nil if limited.limitResponse.type is not Limited"));
  } else if (type === "Queue") {
    if (queuing) validateQueuing(queuing, here, errors);
    else errors.push(required(here, "must not be empty if limited.limitResponse.type is Limited"));
  } else if (type === "") errors.push(required(`${path}.type`));
  else errors.push(notSupported(`${path}.type`, type, ["Queue", "Reject"]));
}

const lendable = (percent: number | undefined, path: string): FieldError[] =>
  percent === undefined || (percent >= 0 && percent <= 100)
    ? []
    : [invalid(`${path}.lendablePercent`, percent, "must be between 0 and 100, inclusive")];

const shares = (count: number | undefined, path: string): FieldError[] =>
  (count ?? 0) >= 0
    ? []
    : [invalid(`${path}.nominalConcurrencyShares`, count, "must be a non-negative integer")];

const zerosAnnotation = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
const types = ["Exempt", "Limited"];

/** Mandatory levels; `exempt` allows changes of its limits. */
const fixedCatchAll = {
  type: "Limited",
  limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 },
};

function fixedLevelProblems(name: string, spec: PriorityLevelConfiguration["spec"]): FieldError[] {
  const shown = (): unknown => internalForm("flowcontrol.PriorityLevelConfigurationSpec", spec ?? {});
  const { exempt: _, ...rest } = spec ?? {};
  if (name === "exempt" && !deepEqual(rest, { type: "Exempt" })) {
    const text = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value";
    return [invalid("spec", shown(), text)];
  }
  if (name === "catch-all" && !deepEqual(spec, fixedCatchAll))
    return [invalid("spec", shown(), "spec of 'catch-all' must equal the fixed value")];
  return [];
}

export function validatePriorityLevel(level: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "", limited, exempt } = level.spec ?? {};
  const name = level.metadata?.name ?? "";
  if (level.metadata?.annotations?.[zerosAnnotation] !== undefined)
    errors.push(forbidden("metadata.annotations", `annotation '${zerosAnnotation}' is forbidden`));
  if ((name === "exempt") !== (type === "Exempt"))
    errors.push(invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (type === "Exempt") {
    if (limited) errors.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
    if (exempt) {
      errors.push(...shares(exempt.nominalConcurrencyShares, "spec.exempt"));
      errors.push(...lendable(exempt.lendablePercent, "spec.exempt"));
    }
  } else if (type === "Limited") {
    if (exempt) errors.push(forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (limited) {
      const path = "spec.limited";
      errors.push(...shares(limited.nominalConcurrencyShares, path));
      validateLimitResponse(limited.limitResponse, `${path}.limitResponse`, errors);
      errors.push(...lendable(limited.lendablePercent, path));
      const most = limited.borrowingLimitPercent;
      if ((most ?? 0) < 0) {
        const text = "if specified, must be a non-negative integer";
        errors.push(invalid(`${path}.borrowingLimitPercent`, most, text));
      }
    } else errors.push(required("spec.limited", "must not be empty when type is Limited"));
  } else if (type === "") errors.push(required("spec.type"));
  else errors.push(notSupported("spec.type", type, types));
  return [...errors, ...fixedLevelProblems(name, level.spec), ...validateFlowStatus(level)];
}
