/** Label and field selectors, in text (`a=b,c in (d,e),!f`) and as metav1.LabelSelector. */
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

const tokenPattern = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/gy;

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
  const fail = (expected: string): never => {
    throw new SelectorError(
      `unable to parse requirement: found '${tokens[at] ?? ""}', expected: ${expected}`,
    );
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
      const key = checkKey(word("!, identifier, or 'end of string'"));
      const next = tokens[at];
      if (next === undefined || next === ",") requirements.push({ key, operator: "exists", values: [] });
      else if (next === "in" || next === "notin") {
        at++;
        requirements.push({ key, operator: next, values: setValues() });
      } else if (next === "=" || next === "==" || next === "!=" || next === ">" || next === "<") {
        at++;
        const follows = tokens[at];
        const value = follows === undefined || follows === "," ? "" : word("identifier");
        const operator = next === ">" ? "gt" : next === "<" ? "lt" : next;
        if ((operator === "gt" || operator === "lt") && !/^-?\d+$/.test(value)) {
          throw new SelectorError(`for 'Gt', 'Lt' operators, the value must be an integer`);
        }
        requirements.push({ key, operator, values: [checkValue(value)] });
      } else fail("in, notin, =, ==, !=, gt, lt");
    }
    if (at < tokens.length) {
      if (tokens[at] !== ",") fail("',' or 'end of string'");
      at++;
      if (at === tokens.length) fail("identifier after ','");
    }
  }
  return build(requirements);

  function setValues(): string[] {
    if (tokens[at] !== "(") fail("'('");
    at++;
    const values: string[] = [];
    while (tokens[at] !== ")") {
      if (tokens[at] === ",") {
        at++;
        values.push("");
        continue;
      }
      values.push(checkValue(word("',', ')' or identifier")));
      if (tokens[at] === ",") at++;
      else if (tokens[at] !== ")") fail("',' or ')'");
    }
    at++;
    return values;
  }
}

function checkKey(key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name) || key.split("/").length > 2) {
    throw new SelectorError(
      `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    );
  }
  return key;
}

function checkValue(value: string): string {
  if (value.length > 63 || !/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value)) {
    throw new SelectorError(
      `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    );
  }
  return value;
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
  for (const part of text.match(/(?:\\.|[^,\\])+/gs) ?? []) {
    const match = /^((?:\\.|[^=!\\])+)(==|!=|=)(.*)$/s.exec(part.trim());
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${part}'`);
    found.push({
      field: match[1] as string,
      op: match[2] === "!=" ? "!=" : "=",
      value: (match[3] as string).replaceAll(/\\(.)/gs, "$1"),
    });
  }
  return found;
}
