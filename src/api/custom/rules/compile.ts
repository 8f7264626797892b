/** Compiles a schema's rules, to a tree of only the levels with rules. */
import type { Cel, CelEnvironment, CelProgram, CelType } from "../../../machinery/index.ts";
import { isEmbedded, type SchemaProps, type ValidationRule } from "../schema-props.ts";
import { followPath } from "../field-path.ts";
import { typeOf } from "./values.ts";

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | undefined;
  readonly message: CelProgram | undefined;
  /** The error of the rule, or of its messageExpression. */
  readonly problem: string | undefined;
  readonly messageProblem: string | undefined;
  readonly usesOldSelf: boolean;
  /** Path of the error below the value: `a.b`. */
  readonly place: string;
}

export interface RuleLevel {
  readonly schema: SchemaProps;
  readonly resource: boolean;
  readonly rules: readonly CompiledRule[];
  readonly members: ReadonlyMap<string, RuleLevel>;
  readonly values: RuleLevel | undefined;
  readonly items: RuleLevel | undefined;
  /** Rules of the schema's allOf, for the same value. */
  readonly also: readonly RuleLevel[];
}

/** undefined without rules at or below the schema. */
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

/** The rules except those of the schema itself. */
export function compileRules(cel: Cel, schema: SchemaProps, resource: boolean): CompiledRule[] {
  const rules = schema["x-kubernetes-validations"] ?? [];
  if (rules.length === 0) return [];
  // The type's name is internal; Kubernetes generates a new one for each compilation, too.
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
