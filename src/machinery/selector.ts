/** Label and field selectors, in text (`a=b,c in (d,e),!f`) and as metav1.LabelSelector. */
import { isLabelValue, isQualifiedName } from "./names.ts";

export interface Matcher {
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
  /** Matches everything. */
  readonly empty: boolean;
}

export type SelectorOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  key: string;
  operator: SelectorOperator;
  values: readonly string[];
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

export class SelectorError extends Error {
  override readonly name = "SelectorError";
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

/** NUL ends a token and is lost behind it; where a token would begin, it ends the text (as in Go's lexer). */
const tokenPattern = /\s*(==|!=|[=!(),<>]|[^\s\0=!(),<>]+)\0?/gy;

/** Parses a `labelSelector` query parameter; throws SelectorError. */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  const source = text.trimEnd();
  while (tokenPattern.lastIndex < source.length) {
    const match = tokenPattern.exec(source);
    if (!match) break;
    tokens.push(match[1] as string);
  }
  const requirements: Requirement[] = [];
  let at = 0;
  const found = (expected: string): string => `found '${tokens[at] ?? ""}', expected: ${expected}`;
  /** Inside of a requirement. */
  const fail = (expected: string): never => {
    throw new SelectorError(`unable to parse requirement: ${found(expected)}`);
  };
  const word = (expected: string): string => {
    const token = tokens[at];
    if (token === undefined || /^[=!(),<>]/.test(token)) return fail(expected);
    at++;
    return token;
  };
  while (at < tokens.length) {
    if (tokens[at] === "!") {
      at++;
      requirements.push({ key: checkKey(word("identifier")), operator: "!", values: [] });
    } else {
      if (/^[=!(),<>]/.test(tokens[at] as string))
        throw new SelectorError(found("!, identifier, or 'end of string'"));
      const key = checkKey(word("identifier"));
      const next = tokens[at];
      if (next === undefined || next === ",") requirements.push({ key, operator: "exists", values: [] });
      else if (next === "in" || next === "notin") {
        at++;
        requirements.push({ key, operator: next, values: setValues(key) });
      } else if (next === "=" || next === "==" || next === "!=" || next === ">" || next === "<") {
        at++;
        const follows = tokens[at];
        const value = follows === undefined || follows === "," ? "" : word("identifier");
        const operator = next === ">" ? "gt" : next === "<" ? "lt" : next;
        const wrong =
          (operator === "gt" || operator === "lt") && !/^[+-]?\d+$/.test(value)
            ? [
                `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
              ]
            : [];
        requirements.push({ key, operator, values: checkValues(key, [value], wrong) });
      } else fail("in, notin, =, ==, !=, gt, lt");
    }
    if (at < tokens.length) {
      if (tokens[at] !== ",") throw new SelectorError(found("',' or 'end of string'"));
      at++;
      const next = tokens[at];
      if (next === undefined || /^[=(),<>]|^!=/.test(next))
        throw new SelectorError(found("identifier after ','"));
    }
  }
  return build(requirements);

  function setValues(key: string): string[] {
    if (tokens[at] !== "(") {
      throw new SelectorError(`unable to parse requirement: found '${tokens[at] ?? ""}' expected: '('`);
    }
    at++;
    const values: string[] = [];
    while (tokens[at] !== ")") {
      if (tokens[at] === ",") {
        at++;
        values.push("");
        continue;
      }
      values.push(word("',', ')' or identifier"));
      if (tokens[at] === ",") at++;
      else if (tokens[at] !== ")") fail("',' or ')'");
    }
    at++;
    return checkValues(key, values, []);
  }
}

function checkKey(key: string): string {
  const wrong = isQualifiedName(key);
  if (wrong.length === 0) return key;
  throw new SelectorError(
    `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join("; ")}`,
  );
}

/** Every mistake in the values, behind those that are known already. */
function checkValues(key: string, values: string[], known: readonly string[]): string[] {
  const wrong = [...known];
  for (const [i, value] of values.entries()) {
    const texts = isLabelValue(value);
    if (texts.length > 0) {
      wrong.push(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${texts.join("; ")}`);
    }
  }
  if (wrong.length === 0) return values;
  const text = wrong.length === 1 ? wrong[0] : `[${wrong.join(", ")}]`;
  throw new SelectorError(`unable to parse requirement: ${text}`);
}

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
