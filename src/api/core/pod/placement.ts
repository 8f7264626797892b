/** Where a pod may run: tolerations, affinity, spreading. */
import {
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isLabelValue,
  isQualifiedName,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  Affinity,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../generated/types.ts";
import { validateLabelSelector } from "../../metadata.ts";

export const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const selectorOperators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

export function validateTolerations(
  all: readonly Toleration[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, each] of (all ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (each.key)
      for (const text of isQualifiedName(each.key)) errors.push(invalid(`${here}.key`, each.key, text));
    if (!each.key && each.operator !== "Exists") {
      errors.push(
        invalid(
          `${here}.operator`,
          each.operator ?? "",
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (each.tolerationSeconds !== undefined && each.effect !== "NoExecute") {
      errors.push(
        invalid(
          `${here}.effect`,
          each.effect ?? "",
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    }
    switch (each.operator ?? "") {
      case "":
      case "Equal": {
        const texts = isLabelValue(each.value ?? "");
        if (texts.length > 0) errors.push(invalid(`${here}.operator`, each.value, texts.join(";")));
        break;
      }
      case "Exists":
        if (each.value) {
          errors.push(
            invalid(`${here}.operator`, each.value, "value must be empty when `operator` is 'Exists'"),
          );
        }
        break;
      default:
        errors.push(notSupported(`${here}.operator`, each.operator, ["Equal", "Exists"]));
    }
    if (each.effect && !taintEffects.includes(each.effect)) {
      errors.push(notSupported(`${here}.effect`, each.effect, taintEffects));
    }
  }
}

function validateTerm(term: NodeSelectorTerm, path: string, errors: FieldError[]): void {
  for (const [i, { key, operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const here = `${path}.matchExpressions[${i}]`;
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) {
        errors.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) {
        errors.push(
          forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    } else if (operator === "Gt" || operator === "Lt") {
      if (values.length !== 1) {
        errors.push(
          required(`${here}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
        );
      }
    }
    if (!selectorOperators.includes(operator)) {
      errors.push(invalid(`${here}.operator`, operator ?? "", "not a valid selector operator"));
    }
    for (const text of isQualifiedName(key ?? "")) errors.push(invalid(`${here}.key`, key ?? "", text));
  }
  for (const [i, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const here = `${path}.matchFields[${i}]`;
    if (operator !== "In" && operator !== "NotIn") {
      errors.push(invalid(`${here}.operator`, operator ?? "", "not a valid selector operator"));
    } else if (values.length !== 1) {
      errors.push(
        required(
          `${here}.values`,
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
      );
    }
    if (key !== "metadata.name")
      errors.push(invalid(`${here}.key`, key ?? "", "not a valid field selector key"));
  }
}

export function validateNodeSelector(selector: NodeSelector, path: string, errors: FieldError[]): void {
  if (!selector.nodeSelectorTerms?.length) {
    errors.push(required(`${path}.nodeSelectorTerms`, "must have at least one node selector term"));
  }
  for (const [i, term] of (selector.nodeSelectorTerms ?? []).entries()) {
    validateTerm(term, `${path}.nodeSelectorTerms[${i}]`, errors);
  }
}

const weightText = "must be in the range 1-100";
const must = "requiredDuringSchedulingIgnoredDuringExecution";
const may = "preferredDuringSchedulingIgnoredDuringExecution";

function validatePodTerm(term: PodAffinityTerm | undefined, path: string, errors: FieldError[]): void {
  validateLabelSelector(term?.labelSelector, `${path}.labelSelector`, errors);
  validateLabelSelector(term?.namespaceSelector, `${path}.namespaceSelector`, errors);
  for (const name of term?.namespaces ?? []) {
    for (const text of isDns1123Label(name)) errors.push(invalid(`${path}.namespace`, name, text));
  }
  if (!term?.topologyKey) errors.push(required(`${path}.topologyKey`, "can not be empty"));
  else
    for (const text of isQualifiedName(term.topologyKey))
      errors.push(invalid(`${path}.topologyKey`, term.topologyKey, text));
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: string, errors: FieldError[]): void {
  for (const [i, term] of (affinity?.[must] ?? []).entries())
    validatePodTerm(term, `${path}.${must}[${i}]`, errors);
  for (const [i, each] of (affinity?.[may] ?? []).entries()) {
    const here = `${path}.${may}[${i}]`;
    if (!(each.weight >= 1 && each.weight <= 100))
      errors.push(invalid(`${here}.weight`, each.weight ?? 0, weightText));
    validatePodTerm(each.podAffinityTerm, `${here}.podAffinityTerm`, errors);
  }
}

export function validateAffinity(affinity: Affinity | undefined, path: string, errors: FieldError[]): void {
  if (!affinity) return;
  const node = affinity.nodeAffinity;
  if (node?.[must]) validateNodeSelector(node[must], `${path}.nodeAffinity.${must}`, errors);
  for (const [i, each] of (node?.[may] ?? []).entries()) {
    const here = `${path}.nodeAffinity.${may}[${i}]`;
    if (!(each.weight >= 1 && each.weight <= 100))
      errors.push(invalid(`${here}.weight`, each.weight ?? 0, weightText));
    validateTerm(each.preference ?? {}, `${here}.preference`, errors);
  }
  validatePodAffinity(affinity.podAffinity, `${path}.podAffinity`, errors);
  validatePodAffinity(affinity.podAntiAffinity, `${path}.podAntiAffinity`, errors);
}

export function validateSpread(
  all: readonly TopologySpreadConstraint[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, each] of (all ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (!(each.maxSkew > 0))
      errors.push(invalid(`${here}.maxSkew`, each.maxSkew ?? 0, "must be greater than zero"));
    if (!each.topologyKey) errors.push(required(`${here}.topologyKey`, "can not be empty"));
    else
      for (const text of isQualifiedName(each.topologyKey))
        errors.push(invalid(`${here}.topologyKey`, each.topologyKey, text));
    if (each.whenUnsatisfiable !== "DoNotSchedule" && each.whenUnsatisfiable !== "ScheduleAnyway") {
      errors.push(
        notSupported(`${here}.whenUnsatisfiable`, each.whenUnsatisfiable ?? "", [
          "DoNotSchedule",
          "ScheduleAnyway",
        ]),
      );
    }
    const pair = `{${each.topologyKey}, ${each.whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.push(duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    if (each.minDomains !== undefined) {
      if (each.minDomains <= 0)
        errors.push(invalid(`${here}.minDomains`, each.minDomains, "must be greater than zero"));
      if (each.whenUnsatisfiable !== "DoNotSchedule") {
        errors.push(
          invalid(
            `${here}.minDomains`,
            each.minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${each.whenUnsatisfiable}`,
          ),
        );
      }
    }
    for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = each[name];
      if (policy !== undefined && policy !== "Honor" && policy !== "Ignore") {
        errors.push(notSupported(`${here}.${name}`, policy, ["Honor", "Ignore"]));
      }
    }
    validateLabelSelector(each.labelSelector, `${here}.labelSelector`, errors);
  }
}
