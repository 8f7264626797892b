/** Rules of a schema made ready to run, in a tree that has only the levels with rules. */
import type { Cel, CelEnvironment, CelProgram, CelType } from "../../../machinery/index.ts";
import { isEmbedded, type SchemaProps, type ValidationRule } from "../schema-props.ts";
import { followPath } from "../field-path.ts";
import { typeOf } from "./values.ts";

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | undefined;
  readonly message: CelProgram | undefined;
  /** What is wrong with the rule, or with its messageExpression. */
  readonly problem: string | undefined;
  readonly messageProblem: string | undefined;
  readonly usesOldSelf: boolean;
  /** Where below the value the mistake is shown: `a.b`. */
  readonly place: string;
}

export interface RuleLevel {
  readonly schema: SchemaProps;
  readonly resource: boolean;
  readonly rules: readonly CompiledRule[];
  readonly members: ReadonlyMap<string, RuleLevel>;
  readonly values: RuleLevel | undefined;
  readonly items: RuleLevel | undefined;
  /** Rules of the schema's allOf, which look at the same value. */
  readonly also: readonly RuleLevel[];
}

/** undefined when there is no rule at or below the schema. */
export function compileLevel(cel: Cel, schema: SchemaProps, resource: boolean): RuleLevel | undefined {
  const rules = compileRules(cel, schema, resource);
  const members = new Map<string, RuleLevel>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const level = compileLevel(cel, inner, isEmbedded(inner));
    if (level) members.set(name, level);
  }
  const below = (inner: SchemaProps | undefined): RuleLevel | undefined =>
    inner && compileLevel(cel, inner, isEmbedded(inner));
  const items = below(schema.items);
  const values = below(
    typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined,
  );
  const also = (schema.allOf ?? []).flatMap((each) => {
    const level = compileLevel(cel, { ...each, type: schema.type ?? "" }, false);
    return level ? [level] : [];
  });
  if (rules.length === 0 && members.size === 0 && !items && !values && also.length === 0) return undefined;
  return { schema, resource, rules, members, values, items, also };
}

/** The rules beside the schema itself. */
export function compileRules(cel: Cel, schema: SchemaProps, resource: boolean): CompiledRule[] {
  const rules = schema["x-kubernetes-validations"] ?? [];
  if (rules.length === 0) return [];
  // The original's name for the type is a new one for each compilation too: nobody is to use it.
  const self = typeOf(cel, schema, "selfType", resource);
  return rules.map((rule) => compileRule(cel, schema, self, rule));
}

function compileRule(
  cel: Cel,
  schema: SchemaProps,
  self: CelType | undefined,
  rule: ValidationRule,
): CompiledRule {
  const t = cel.celTypes;
  const variables: CelEnvironment = self
    ? { self, oldSelf: rule.optionalOldSelf ? t.optionalOf(self) : self }
    : {};
  const attempt = (source: string, wanted: CelType, wrong: string, lead: string): CelProgram | string => {
    try {
      const program = cel.compileCel(source, variables);
      return t.typeText(program.type) === t.typeText(wanted) ? program : wrong;
    } catch (error) {
      if (error instanceof cel.CelCompileError)
        return lead === "" ? error.message : `${lead}${error.message.replace(/^program /, "")}`;
      throw error;
    }
  };
  const made = attempt(rule.rule, t.bool, "cel expression must evaluate to a bool", "");
  const message =
    rule.messageExpression && typeof made !== "string"
      ? attempt(
          rule.messageExpression,
          t.string,
          "messageExpression must evaluate to a string",
          "messageExpression ",
        )
      : undefined;
  const program = typeof made === "string" ? undefined : made;
  return {
    rule,
    program,
    message: typeof message === "string" ? undefined : message,
    problem: typeof made === "string" ? made : undefined,
    messageProblem: typeof message === "string" ? message : undefined,
    usesOldSelf: program?.used.has("oldSelf") ?? false,
    place: rule.fieldPath ? placeOf(rule.fieldPath, schema) : "",
  };
}

function placeOf(path: string, schema: SchemaProps): string {
  const found = followPath(path, schema, true);
  return typeof found === "string" ? "" : found.path;
}
