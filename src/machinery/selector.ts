/** Label and field selectors, in text (`a=b,c in (d,e),!f`) and as metav1.LabelSelector. */
import {
  parseRequirements,
  type Requirement,
  SelectorError,
  type SelectorOperator,
} from "./selector-parser.ts";

export { type Requirement, SelectorError, type SelectorOperator } from "./selector-parser.ts";

export interface Matcher {
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
  /** Matches everything. */
  readonly empty: boolean;
}

export interface LabelSelector extends Matcher {
  readonly requirements: readonly Requirement[];
  toString(): string;
}

/** metav1.LabelSelector */
export interface LabelSelectorObject {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: { key: string; operator: string; values?: string[] }[] | undefined;
}

const none: Readonly<Record<string, string>> = {};

function meets(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "=":
    case "==":
      return value === requirement.values[0];
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !requirement.values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt": {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const bound = Number(requirement.values[0]);
      return requirement.operator === "gt" ? Number(value) > bound : Number(value) < bound;
    }
  }
}

function build(requirements: readonly Requirement[]): LabelSelector {
  return {
    requirements,
    empty: requirements.length === 0,
    matches(labels = none) {
      for (const requirement of requirements) if (!meets(requirement, labels)) return false;
      return true;
    },
    toString: () => requirements.map(requirementText).join(","),
  };
}

function requirementText({ key, operator, values }: Requirement): string {
  if (operator === "exists") return key;
  if (operator === "!") return `!${key}`;
  if (operator === "in" || operator === "notin") return `${key} ${operator} (${values.join(",")})`;
  if (operator === "gt" || operator === "lt") return `${key}${operator === "gt" ? ">" : "<"}${values[0]}`;
  return `${key}${operator}${values[0]}`;
}

/** Parses a `labelSelector` query parameter; throws SelectorError. */
export const parseLabelSelector = (text: string): LabelSelector => build(parseRequirements(text));

const nothing: LabelSelector = { requirements: [], empty: false, matches: () => false, toString: () => "" };
const expressionOperators: Record<string, SelectorOperator> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
  Gt: "gt",
  Lt: "lt",
};

/** A metav1.LabelSelector: a missing one matches nothing, an empty one everything. */
export function selectorFromObject(selector: LabelSelectorObject | undefined | null): LabelSelector {
  if (!selector) return nothing;
  const requirements = labelRequirements(selector.matchLabels ?? {});
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = expressionOperators[operator];
    if (!known) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push({ key, operator: known, values: values ?? [] });
  }
  return build(requirements);
}

/** A plain map of labels, as in a Service or a ReplicationController: empty or missing matches nothing. */
export function selectorFromLabels(labels: Readonly<Record<string, string>> | undefined): LabelSelector {
  const requirements = labelRequirements(labels ?? {});
  return requirements.length === 0 ? nothing : build(requirements);
}

function labelRequirements(labels: Readonly<Record<string, string>>): Requirement[] {
  return Object.keys(labels)
    .sort()
    .map((key) => ({ key, operator: "=", values: [labels[key] as string] }));
}

export interface FieldRequirement {
  field: string;
  op: "=" | "!=";
  value: string;
}

/** Parses a `fieldSelector` query parameter (`a=b,c!=d`, backslash escapes `,` and `=`); throws SelectorError. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const found: FieldRequirement[] = [];
  // Kubernetes looks at the terms in order, so the first mistake is that of the lowest one.
  for (const part of (text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []).sort()) {
    const match = /^((?:(?!!=)[^=])*)(!=|==|=)(.*)$/s.exec(part);
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = "", op, raw = ""] = match;
    const value = unescapeFieldValue(raw);
    // A term of nothing says nothing.
    if (field !== "" || value !== "") found.push({ field, op: op === "!=" ? "!=" : "=", value });
  }
  return found;
}

function unescapeFieldValue(raw: string): string {
  const invalid = (sequence: string): SelectorError =>
    new SelectorError(`invalid field selector: invalid escape sequence: ${sequence}`);
  let value = "";
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i] as string;
    if (char === "\\") {
      const next = raw[++i];
      if (next === undefined) throw invalid("\\");
      if (!"\\,=".includes(next)) throw invalid(`\\${next}`);
      value += next;
    } else if (char === "=" || char === ",") {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else value += char;
  }
  return value;
}
