/** What is wrong with the rules of a definition's schema. */
import { type Cel, type FieldError, invalid, isObject } from "../../../machinery/index.ts";
import { celEngine } from "../../cel-engine.ts";
import { shownRule } from "../internal-spec.ts";
import { isEmbedded, type SchemaProps, type ValidationRule } from "../schema-props.ts";
import { compileRules } from "./compile.ts";

/** For a schema with which nothing else is wrong: what a broken one makes of a rule would tell nobody anything. */
export function ruleProblems(schema: SchemaProps, path: string): FieldError[] {
  const engine = celEngine();
  const errors: FieldError[] = [];
  if (engine) compileProblems(engine, schema, path, true, undefined, errors);
  return errors;
}

/** As Go's JSON shows the rule: signs of HTML escaped. */
const shown = (rule: ValidationRule): string =>
  JSON.stringify(shownRule(rule)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const invalidRule = (field: string, rule: ValidationRule, detail: string): FieldError => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${shown(rule)}: ${detail}`,
});

/** `loose`: the list within which old and new values cannot be told to be the same item. */
function compileProblems(
  engine: Cel,
  schema: SchemaProps,
  path: string,
  resource: boolean,
  loose: string | undefined,
  errors: FieldError[],
): void {
  const below = (inner: SchemaProps, at: string, within = loose): void =>
    compileProblems(engine, inner, at, isEmbedded(inner), within, errors);
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
  for (const [i, made] of compileRules(engine, schema, resource).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const { rule } = made;
    if (made.problem !== undefined) errors.push(invalidRule(`${at}.rule`, rule, made.problem));
    if (made.messageProblem !== undefined)
      errors.push(invalidRule(`${at}.messageExpression`, rule, made.messageProblem));
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
