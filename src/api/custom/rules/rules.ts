/** The rules of a definition's version, for its strategy. */
import { celEngine } from "../../cel-engine.ts";
import type { FieldError } from "../../definition.ts";
import type { KubeObject } from "../../meta.ts";
import type { SchemaProps } from "../schema-props.ts";
import { compileLevel } from "./compile.ts";
import { hasRules } from "./engine.ts";
import { evaluateRules } from "./evaluate.ts";

export interface Rules {
  /** `others`: other errors; some of them prevent the evaluation of rules. */
  problems(object: KubeObject, old: KubeObject | undefined, others: readonly FieldError[]): FieldError[];
  /** Existing errors: they may stay, and are reported as warnings. */
  warnings(object: KubeObject, old: KubeObject | undefined): string[];
}

const none: Rules = { problems: () => [], warnings: () => [] };

const blocking = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

const unchecked: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

/** Call it when `rulesReady` has resolved for the schema. */
export function rulesOf(schema: SchemaProps): Rules {
  if (!hasRules(schema)) return none;
  const cel = celEngine();
  if (!cel) throw new Error("rules of a schema asked for before their engine was loaded");
  const root = compileLevel(cel, schema, true);
  if (!root) return none;
  return {
    problems(object, old, others) {
      if (others.some(({ reason }) => blocking.has(reason))) return [unchecked];
      return evaluateRules(cel, root, object, old).errors;
    },
    warnings(object, old) {
      if (!old) return [];
      return evaluateRules(cel, root, object, old).ratcheted.map(
        ({ field, message }) => `${field}: ${message}`,
      );
    },
  };
}
