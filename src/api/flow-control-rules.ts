/** What FlowSchemas and PriorityLevelConfigurations may hold. */
import { forbidden, invalid, isDns1123Subdomain, notSupported, required } from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import type { FlowSchema, FlowcontrolV1Subject, PriorityLevelConfiguration } from "./generated/types.ts";

const subjectKinds = ["Group", "ServiceAccount", "User"];
const distinguishers = ["ByNamespace", "ByUser"];

function validateSubject(subject: FlowcontrolV1Subject, path: string, errors: FieldError[]): void {
  const { kind, user, group, serviceAccount } = subject;
  const must = (given: unknown, member: string): void => {
    if (!given)
      errors.push(required(`${path}.${member}`, `${member} is required when subject kind is '${kind}'`));
  };
  if (kind === "User") must(user, "user");
  else if (kind === "Group") must(group, "group");
  else if (kind === "ServiceAccount") must(serviceAccount, "serviceAccount");
  else errors.push(notSupported(`${path}.kind`, kind, subjectKinds));
}

export function validateFlowSchema(schema: FlowSchema): FieldError[] {
  const errors: FieldError[] = [];
  const spec = schema.spec;
  const precedence = spec?.matchingPrecedence ?? 1;
  if (precedence <= 0)
    errors.push(invalid("spec.matchingPrecedence", precedence, "must be a positive value"));
  const method = spec?.distinguisherMethod;
  if (method && !distinguishers.includes(method.type))
    errors.push(notSupported("spec.distinguisherMethod.type", { Type: method.type }, distinguishers));
  const level = spec?.priorityLevelConfiguration?.name ?? "";
  const path = "spec.priorityLevelConfiguration.name";
  if (level === "") errors.push(required(path, "must reference a priority level"));
  else for (const text of isDns1123Subdomain(level)) errors.push(invalid(path, level, text));
  for (const [i, rule] of (spec?.rules ?? []).entries()) {
    const here = `spec.rules[${i}]`;
    const { resourceRules = [], nonResourceRules = [] } = rule;
    const subjects = rule.subjects ?? [];
    if (subjects.length === 0)
      errors.push(required(`${here}.subjects`, "subjects must contain at least one value"));
    for (const [j, subject] of subjects.entries()) validateSubject(subject, `${here}.subjects[${j}]`, errors);
    if (resourceRules.length === 0 && nonResourceRules.length === 0) {
      errors.push(required(here, "at least one of resourceRules and nonResourceRules has to be non-empty"));
    }
    const need = (given: unknown[] | undefined, field: string, text: string): void => {
      if (!given?.length) errors.push(required(field, text));
    };
    for (const [j, each] of resourceRules.entries()) {
      const at = `${here}.resourceRules[${j}]`;
      need(each.verbs, `${at}.verbs`, "verbs must contain at least one value");
      need(each.apiGroups, `${at}.apiGroups`, "resource rules must supply at least one api group");
      need(each.resources, `${at}.resources`, "resource rules must supply at least one resource");
      if (!each.clusterScope) {
        need(
          each.namespaces,
          `${at}.namespaces`,
          "resource rules that are not cluster scoped must supply at least one namespace",
        );
      }
    }
    for (const [j, each] of nonResourceRules.entries()) {
      const at = `${here}.nonResourceRules[${j}]`;
      need(each.verbs, `${at}.verbs`, "verbs must contain at least one value");
      need(each.nonResourceURLs, `${at}.nonResourceURLs`, "nonResourceURLs must contain at least one value");
    }
  }
  return errors;
}

export function validatePriorityLevel(level: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const { type, limited, exempt } = level.spec ?? {};
  const isExempt = level.metadata?.name === "exempt";
  if ((type === "Exempt") !== isExempt && type === "Exempt")
    errors.push(invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (!type) errors.push(required("spec.type"));
  else if (type === "Exempt") {
    if (limited) errors.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
  } else if (type !== "Limited") errors.push(notSupported("spec.type", type, ["Exempt", "Limited"]));
  else if (exempt) errors.push(forbidden("spec.exempt", "must be nil if the type is Limited"));
  else if (!limited) errors.push(required("spec.limited", "must not be empty when type is Limited"));
  if (type !== "Limited" || !limited) return errors;
  const path = "spec.limited";
  const { nominalConcurrencyShares: shares, lendablePercent, borrowingLimitPercent, limitResponse } = limited;
  if (shares !== undefined && shares < 0)
    errors.push(invalid(`${path}.nominalConcurrencyShares`, shares, "must be a non-negative integer"));
  if (limitResponse?.type === "Queue" && !limitResponse.queuing) {
    errors.push(
      required(`${path}.limitResponse.queuing`, "must not be empty if limited.limitResponse.type is Limited"),
    );
  }
  if (lendablePercent !== undefined && (lendablePercent < 0 || lendablePercent > 100))
    errors.push(invalid(`${path}.lendablePercent`, lendablePercent, "must be between 0 and 100, inclusive"));
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    errors.push(
      invalid(
        `${path}.borrowingLimitPercent`,
        borrowingLimitPercent,
        "if specified, must be a non-negative integer",
      ),
    );
  }
  return errors;
}
