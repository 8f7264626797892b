/** Errors of the rules in a definition's schema. */
import {
  type Cel,
  type CelProgram,
  type FieldError,
  invalid,
  isObject,
  withoutHtml,
} from "../../../machinery/index.ts";
import { celEngine } from "../../cel-engine.ts";
import { shownRule } from "../internal-spec.ts";
import { isEmbedded, type SchemaProps, type ValidationRule } from "../schema-props.ts";
import { Budget } from "./budget.ts";
import { compileRules } from "./compile.ts";
import { mostInRequest, sizeAt, sizesOf } from "./sizes.ts";
import { typeOf } from "./values.ts";

/**
 * For a schema without other errors, with which rule errors would be misleading. `unchanged`: the schema existed before, so its
 * rules' costs are accepted.
 */
export function ruleProblems(schema: SchemaProps, path: string, unchanged: boolean): FieldError[] {
  const engine = celEngine();
  if (!engine) return [];
  const errors: FieldError[] = [];
  const budget = new Budget(!unchanged);
  const level = { path, resource: true, loose: undefined, count: 1 };
  compileProblems(engine, schema, level, budget, errors);
  return [...errors, ...budget.problems(path)];
}

/** As in Go's JSON: HTML characters escaped. */
const shown = (rule: ValidationRule): string => withoutHtml(JSON.stringify(shownRule(rule)));

const invalidRule = (field: string, rule: ValidationRule, detail: string): FieldError => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${shown(rule)}: ${detail}`,
});

/** The type of the rule's value is unknown. */
const untyped = (field: string): FieldError => ({
  reason: "InternalError",
  field,
  message:
    "Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations",
});

interface Level {
  readonly path: string;
  readonly resource: boolean;
  /** The list whose items cannot be correlated between old and new values. */
  readonly loose: string | undefined;
  /** Maximum number of values in an object; undefined when unlimited. */
  readonly count: number | undefined;
}

/** Maximum number of values in a value of the schema, if it has a limit. */
function countIn(schema: SchemaProps): number | undefined {
  const of = (max: number | undefined): number | undefined => (max === undefined ? max : Math.max(0, max));
  if (schema.type === "array") return of(schema.maxItems);
  return schema.type === "object" && schema.additionalProperties !== undefined ? of(schema.maxProperties) : 1;
}

function compileProblems(
  engine: Cel,
  schema: SchemaProps,
  level: Level,
  budget: Budget,
  errors: FieldError[],
): void {
  const { path, loose } = level;
  const held = countIn(schema);
  const count = level.count === undefined || held === undefined ? undefined : level.count * held;
  const below = (inner: SchemaProps, at: string, within = loose): void =>
    compileProblems(
      engine,
      inner,
      { path: at, resource: isEmbedded(inner), loose: within, count },
      budget,
      errors,
    );
  if (isObject(schema.additionalProperties))
    below(schema.additionalProperties as SchemaProps, `${path}.additionalProperties`);
  for (const [name, inner] of Object.entries(schema.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
    below(inner, `${path}.properties[${name}]`);
  if (schema.items)
    below(
      schema.items,
      `${path}.items`,
      loose ?? (schema["x-kubernetes-list-type"] === "map" ? undefined : path),
    );
  if (schema["x-kubernetes-validations"]?.length && !typeOf(engine, schema, "selfType", level.resource)) {
    errors.push(untyped(`${path}.x-kubernetes-validations`));
    return;
  }
  const sizes = sizesOf(schema, level.resource);
  const cost = (program: CelProgram | undefined): number =>
    program && sizes ? program.worstCost((at) => sizeAt(sizes, at)) : 0;
  for (const [i, made] of compileRules(engine, schema, level.resource).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const { rule } = made;
    const times = level.count ?? (sizes ? mostInRequest(sizes) : 1);
    const worst = Math.min(cost(made.program) * times, engine.mostCost);
    errors.push(...budget.spend(`${at}.rule`, "rule", worst));
    if (made.problem !== undefined) errors.push(invalidRule(`${at}.rule`, rule, made.problem));
    if (made.messageProblem !== undefined)
      errors.push(invalidRule(`${at}.messageExpression`, rule, made.messageProblem));
    else errors.push(...budget.spend(`${at}.messageExpression`, "messageExpression", cost(made.message)));
    if (made.usesOldSelf && loose !== undefined)
      errors.push(
        invalid(
          `${at}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${loose}`,
        ),
      );
    else if (!made.usesOldSelf && rule.optionalOldSelf !== undefined)
      errors.push(
        invalid(
          `${at}.optionalOldSelf`,
          rule.optionalOldSelf,
          "may not be set if oldSelf is not used in rule",
        ),
      );
  }
}
