/** Scheduling fields of pods: tolerations, affinity, spreading. */
import {
  duplicate,
  forbidden,
  invalid,
  invalidTyped,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../generated/types.ts";
import { given } from "../../given.ts";
import { validateExpression, validateLabelSelector } from "../../metadata.ts";

export const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

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
      case "Lt":
      case "Gt":
        errors.push(notSupported(`${here}.operator`, each.operator, ["Equal", "Exists", "Lt", "Gt"]));
        break;
      default:
        errors.push(notSupported(`${here}.operator`, each.operator, ["Equal", "Exists"]));
    }
    if (each.effect && !taintEffects.includes(each.effect)) {
      errors.push(notSupported(`${here}.effect`, each.effect, taintEffects));
    }
  }
}

/** `anyValue`: values need not be valid label values, as in preferences and older objects. */
function validateTerm(term: NodeSelectorTerm, path: string, errors: FieldError[], anyValue: boolean): void {
  for (const [i, expression] of (term.matchExpressions ?? []).entries())
    validateExpression(expression, `${path}.matchExpressions[${i}]`, errors, { ordered: true, anyValue });
  for (const [i, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const here = `${path}.matchFields[${i}]`;
    if (operator !== "In" && operator !== "NotIn") {
      errors.push(invalidTyped(`${here}.operator`, operator ?? "", "not a valid selector operator"));
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
    else
      for (const [k, value] of values.entries())
        for (const text of isDns1123Subdomain(value))
          errors.push(invalid(`${here}.values[${k}]`, value, text));
  }
}

/** True when the selector has invalid label values. */
const hasAnyValue = (selector: NodeSelector | undefined): boolean =>
  (selector?.nodeSelectorTerms ?? []).some(({ matchExpressions = [] }) =>
    matchExpressions.some(({ values = [] }) => values.some((value) => isLabelValue(value).length > 0)),
  );

/** `old`: the old selector; its errors may stay. */
export function validateNodeSelector(
  selector: NodeSelector,
  path: string,
  errors: FieldError[],
  old?: NodeSelector,
): void {
  if (!selector.nodeSelectorTerms?.length)
    errors.push(required(`${path}.nodeSelectorTerms`, "must have at least one node selector term"));
  const anyValue = hasAnyValue(old);
  for (const [i, term] of (selector.nodeSelectorTerms ?? []).entries())
    validateTerm(term, `${path}.nodeSelectorTerms[${i}]`, errors, anyValue);
}

const weightText = "must be in the range 1-100";
const must = "requiredDuringSchedulingIgnoredDuringExecution";
const may = "preferredDuringSchedulingIgnoredDuringExecution";

/** Label keys whose values pods must share, in addition to a selector. */
function validateKeys(
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: string,
  errors: FieldError[],
): void {
  if (!keys?.length) return;
  if (!selector) errors.push(forbidden(path, "must not be specified when labelSelector is not set"));
  else
    for (const [i, key] of keys.entries())
      for (const text of isQualifiedName(key)) errors.push(invalid(`${path}[${i}]`, key, text));
}

interface Keyed {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

function validateLabelKeys(
  { labelSelector, matchLabelKeys, mismatchLabelKeys }: Keyed,
  path: string,
  errors: FieldError[],
): void {
  validateKeys(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`, errors);
  validateKeys(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`, errors);
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  const places = new Map(matchLabelKeys?.map((key, i) => [key, i]));
  const others = new Set(mismatchLabelKeys);
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    // The server adds one expression per key, so a second one is an error.
    const at = places.get(key) ?? -1;
    if (at >= 0 && seen.has(key))
      errors.push(invalid(`${path}[${at}]`, key, "exists in both matchLabelKeys and labelSelector"));
    seen.add(key);
  }
  for (const [i, key] of (matchLabelKeys ?? []).entries()) {
    if (!others.has(key)) continue;
    const text = "exists in both matchLabelKeys and mismatchLabelKeys";
    errors.push(invalid(`${path}.matchLabelKeys[${i}]`, key, text));
  }
}

function validatePodTerm(
  term: PodAffinityTerm | undefined,
  path: string,
  errors: FieldError[],
  anyValue: boolean,
): void {
  validateLabelSelector(term?.labelSelector, `${path}.labelSelector`, errors, anyValue);
  validateLabelSelector(term?.namespaceSelector, `${path}.namespaceSelector`, errors, anyValue);
  for (const name of term?.namespaces ?? [])
    for (const text of isDns1123Label(name)) errors.push(invalid(`${path}.namespace`, name, text));
  validateLabelKeys(term ?? {}, path, errors);
  const key = term?.topologyKey ?? "";
  if (key === "") errors.push(required(`${path}.topologyKey`, "can not be empty"));
  for (const text of isQualifiedName(key)) errors.push(invalid(`${path}.topologyKey`, key, text));
}

function validatePodAffinity(
  affinity: PodAffinity | undefined,
  path: string,
  errors: FieldError[],
  anyValue: boolean,
): void {
  for (const [i, term] of (affinity?.[must] ?? []).entries())
    validatePodTerm(term, `${path}.${must}[${i}]`, errors, anyValue);
  for (const [i, each] of (affinity?.[may] ?? []).entries()) {
    const here = `${path}.${may}[${i}]`;
    if (!(each.weight >= 1 && each.weight <= 100))
      errors.push(invalid(`${here}.weight`, each.weight ?? 0, weightText));
    validatePodTerm(each.podAffinityTerm, `${here}.podAffinityTerm`, errors, anyValue);
  }
}

/** True when its expressions have invalid label values. */
const badSelector = (selector: LabelSelector | undefined): boolean =>
  (selector?.matchExpressions ?? []).some(({ values = [] }) =>
    values.some((value) => isLabelValue(value).length > 0),
  );

/** True when its pod selectors have such values. */
const hasBadSelector = (affinity: Affinity | undefined): boolean =>
  [affinity?.podAffinity, affinity?.podAntiAffinity].some((each) =>
    [...(each?.[must] ?? []), ...(each?.[may] ?? []).map((weighted) => weighted.podAffinityTerm)].some(
      (term) => badSelector(term?.labelSelector) || badSelector(term?.namespaceSelector),
    ),
  );

/** `old`: the old object; its errors may stay. */
export function validateAffinity(
  affinity: Affinity | undefined,
  path: string,
  errors: FieldError[],
  old?: Affinity,
): void {
  if (!affinity) return;
  const node = affinity.nodeAffinity;
  if (node?.[must])
    validateNodeSelector(node[must], `${path}.nodeAffinity.${must}`, errors, old?.nodeAffinity?.[must]);
  for (const [i, each] of (node?.[may] ?? []).entries()) {
    const here = `${path}.nodeAffinity.${may}[${i}]`;
    if (!(each.weight >= 1 && each.weight <= 100))
      errors.push(invalid(`${here}.weight`, each.weight ?? 0, weightText));
    validateTerm(each.preference ?? {}, `${here}.preference`, errors, true);
  }
  const anyValue = hasBadSelector(old);
  validatePodAffinity(affinity.podAffinity, `${path}.podAffinity`, errors, anyValue);
  validatePodAffinity(affinity.podAntiAffinity, `${path}.podAntiAffinity`, errors, anyValue);
}

const actions = ["DoNotSchedule", "ScheduleAnyway"];
const nodePolicies = ["Honor", "Ignore"];

/** Validation of keys from before their values were merged into the selector. */
function validateOldKeys({ labelSelector, matchLabelKeys }: Keyed, path: string, errors: FieldError[]): void {
  if (!matchLabelKeys?.length) return;
  const known = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  if (!labelSelector) errors.push(forbidden(path, "must not be specified when labelSelector is not set"));
  for (const [i, key] of matchLabelKeys.entries()) {
    for (const text of isQualifiedName(key)) errors.push(invalid(`${path}[${i}]`, key, text));
    if (known.has(key))
      errors.push(invalid(`${path}[${i}]`, key, "exists in both matchLabelKeys and labelSelector"));
  }
}

export function validateSpread(
  all: readonly TopologySpreadConstraint[] = [],
  path: string,
  errors: FieldError[],
  old: readonly TopologySpreadConstraint[] = [],
): void {
  const ofOld = (check: (each: TopologySpreadConstraint, errors: FieldError[]) => void): boolean => {
    const found: FieldError[] = [];
    for (const each of old) check(each, found);
    return found.length > 0;
  };
  const oldKeys = ofOld((each, found) => validateLabelKeys(each, "", found));
  const oldSelector = ofOld((each, found) => validateLabelSelector(each.labelSelector, "", found));
  for (const [i, each] of all.entries()) {
    const here = `${path}[${i}]`;
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable: action = "" } = given(each);
    if (maxSkew <= 0) errors.push(invalid(`${here}.maxSkew`, maxSkew, "must be greater than zero"));
    if (topologyKey === "") errors.push(required(`${here}.topologyKey`, "can not be empty"));
    if (!actions.includes(action)) errors.push(notSupported(`${here}.whenUnsatisfiable`, action, actions));
    const again = all
      .slice(i + 1)
      .some(
        (other) => (other.topologyKey ?? "") === topologyKey && (other.whenUnsatisfiable ?? "") === action,
      );
    if (again)
      errors.push(duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${action}}`));
    const domains = each.minDomains;
    if (domains !== undefined) {
      if (domains <= 0) errors.push(invalid(`${here}.minDomains`, domains, "must be greater than zero"));
      if (action !== "DoNotSchedule") {
        const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
        errors.push(invalid(`${here}.minDomains`, domains, text));
      }
    }
    for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = each[name];
      if (policy !== undefined && !nodePolicies.includes(policy))
        errors.push(notSupported(`${here}.${name}`, policy, nodePolicies));
    }
    if (oldKeys) validateOldKeys(each, `${here}.matchLabelKeys`, errors);
    else validateLabelKeys(each, here, errors);
    if (!oldSelector) validateLabelSelector(each.labelSelector, `${here}.labelSelector`, errors);
  }
}
