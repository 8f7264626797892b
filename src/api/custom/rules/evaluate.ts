/** Validates an object by the rules of its schema (KEP-2876), with ratcheting (KEP-4008). */
import {
  type Cel,
  deepEqual,
  type FieldError,
  forbidden,
  goFloat,
  invalid,
  invalidShown,
  isObject,
  required,
} from "../../../machinery/index.ts";
import { ownMember, type SchemaProps } from "../schema-props.ts";
import type { CompiledRule, RuleLevel } from "./compile.ts";
import { valueOf } from "./values.ts";

/** Cost limit of all rules for one object (apiserver celconfig.RuntimeCELCostBudget). */
const totalLimit = 10_000_000;
/** Size limit of messages from expressions (celconfig.MaxEvaluatedMessageExpressionSizeBytes). */
const maxMessage = 5 * 1024;

const outOfBudget =
  "validation failed due to running out of cost budget, no further validation rules will be run";

class Exhausted extends Error {}

interface Found {
  readonly errors: FieldError[];
  /** Existing errors, which may stay. */
  readonly ratcheted: FieldError[];
}

/** `old`: undefined for a new object. */
export function evaluateRules(cel: Cel, root: RuleLevel, object: unknown, old: unknown): Found {
  const run = new RuleRun(cel);
  try {
    run.level(root, "", object, old, old !== undefined && deepEqual(object, old));
  } catch (error) {
    if (!(error instanceof Exhausted)) throw error;
  }
  return run;
}

/**
 * Holds a default (at a path) against the rules of its schema: as a value that stays, and as one that is new. What was
 * wrong before counts here too.
 */
export function defaultRuleProblems(cel: Cel, root: RuleLevel, path: string, value: unknown): FieldError[] {
  for (const old of [value, undefined]) {
    const run = new RuleRun(cel);
    try {
      run.level(root, path, value, old, false);
    } catch (error) {
      if (!(error instanceof Exhausted)) throw error;
    }
    const found = [...run.errors, ...run.ratcheted];
    if (found.length > 0) return found;
  }
  return [];
}

const textOf = ({ message = "", rule }: CompiledRule["rule"]): string =>
  (message === "" ? rule : message).trim();
const messageOf = (rule: CompiledRule["rule"]): string =>
  rule.message ? rule.message.trim() : `failed rule: ${textOf(rule)}`;

class RuleRun implements Found {
  readonly errors: FieldError[] = [];
  readonly ratcheted: FieldError[] = [];
  readonly #cel: Cel;
  #left = totalLimit;

  constructor(cel: Cel) {
    this.#cel = cel;
  }

  /** `same`: the value is unchanged, or cannot be correlated and its parent is unchanged. */
  level(level: RuleLevel, path: string, value: unknown, old: unknown, same: boolean): void {
    if (value === null || value === undefined) return;
    this.#rules(level, path, value, old, same);
    for (const each of level.also) this.level(each, path, value, old, false);
    if (Array.isArray(value)) this.#list(level, path, value, old, same);
    else if (isObject(value)) this.#object(level, path, value, old, same);
  }

  #object(level: RuleLevel, path: string, value: Record<string, unknown>, old: unknown, same: boolean): void {
    if (level.members.size === 0 && !level.values) return;
    const before = isObject(old) ? old : undefined;
    for (const name of Object.keys(value).sort()) {
      const oldValue = before && Object.hasOwn(before, name) ? before[name] : undefined;
      const equal = same || (oldValue !== undefined && deepEqual(value[name], oldValue));
      const inner = level.members.get(name);
      if (inner) this.level(inner, path === "" ? name : `${path}.${name}`, value[name], oldValue, equal);
      else if (level.values && !level.schema.properties)
        this.level(level.values, `${path}[${name}]`, value[name], oldValue, equal);
    }
  }

  /** Only items of map-type lists can be correlated. */
  #list(level: RuleLevel, path: string, value: readonly unknown[], old: unknown, same: boolean): void {
    const { items } = level;
    if (!items) return;
    const isMap = level.schema["x-kubernetes-list-type"] === "map";
    const before = isMap && Array.isArray(old) ? itemsByKey(level.schema, old) : undefined;
    value.forEach((each, i) => {
      const oldValue = before?.get(keyOf(level.schema, each));
      const equal = same || (oldValue !== undefined && deepEqual(each, oldValue));
      this.level(items, `${path}[${i}]`, each, oldValue, equal);
    });
  }

  #rules(level: RuleLevel, path: string, value: unknown, old: unknown, same: boolean): void {
    if (level.rules.length === 0) return;
    const cel = this.#cel;
    const self = valueOf(cel, level.schema, value, level.resource);
    const hasOld = old !== undefined && old !== null;
    const oldSelf = hasOld ? valueOf(cel, level.schema, old, level.resource) : undefined;
    const plain = hasOld ? { self, oldSelf } : { self };
    for (const compiled of level.rules) {
      const { rule, program } = compiled;
      if (!program) {
        this.#say(level, path, `rule compile error: ${compiled.problem}`);
        continue;
      }
      if (compiled.usesOldSelf && !hasOld && !rule.optionalOldSelf) continue;
      const bindings = rule.optionalOldSelf ? { self, oldSelf: new cel.CelOptional(oldSelf) } : plain;
      const holds = this.#run(level, path, compiled, () => {
        const meter = this.#meter(level, path);
        try {
          return program.evaluate(bindings, meter);
        } finally {
          this.#left -= meter.used;
        }
      });
      if (holds !== false) continue;
      // Messages see the old value itself even if the rule sees an optional one.
      const error = this.#failure(level, path, compiled, value, plain);
      if (!compiled.usesOldSelf && same) this.ratcheted.push(error);
      else this.errors.push(error);
    }
  }

  #type(level: RuleLevel): string {
    return level.resource ? "object" : (level.schema.type ?? "");
  }

  #say(level: RuleLevel, path: string, detail: string): void {
    this.errors.push(invalid(path === "" ? "<nil>" : path, this.#type(level), detail));
  }

  #meter(level: RuleLevel, path: string): InstanceType<Cel["Meter"]> {
    if (this.#left > 0) return new this.#cel.Meter(Math.min(this.#cel.perCallLimit, this.#left));
    this.#say(level, path, outOfBudget);
    throw new Exhausted();
  }

  /** The result, undefined when the evaluation failed and that was reported. */
  #run(level: RuleLevel, path: string, { rule }: CompiledRule, evaluate: () => unknown): unknown {
    try {
      return evaluate();
    } catch (error) {
      if (!(error instanceof this.#cel.CelEvaluationError)) throw error;
      if (error instanceof this.#cel.CelCostError) {
        this.#say(
          level,
          path,
          this.#left > 0
            ? `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${textOf(rule)}`
            : outOfBudget,
        );
        throw new Exhausted();
      }
      this.#say(
        level,
        path,
        error.message.startsWith("no such overload")
          ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${textOf(rule)}`
          : `${error.message} evaluating rule: ${textOf(rule)}`,
      );
      return undefined;
    }
  }

  #failure(
    level: RuleLevel,
    path: string,
    compiled: CompiledRule,
    value: unknown,
    bindings: object,
  ): FieldError {
    const { rule, place } = compiled;
    const at = [path, place].filter((part) => part !== "").join(".");
    const field = at === "" ? "<nil>" : at;
    const detail = this.#message(compiled, bindings) ?? messageOf(rule);
    const type = this.#type(level);
    const whole = type === "object" || type === "array";
    switch (rule.reason) {
      case "FieldValueForbidden":
        return forbidden(field, detail);
      case "FieldValueRequired":
        return required(field, detail);
      case "FieldValueDuplicate":
        return {
          reason: rule.reason,
          field,
          message: whole ? "Duplicate value" : `Duplicate value: ${JSON.stringify(value)}`,
        };
      default:
        if (typeof value === "number") return invalidShown(field, goFloat(value), detail);
        if (!whole) return invalid(field, value, detail);
        return { reason: "FieldValueInvalid", field, message: `Invalid value: ${detail}` };
    }
  }

  /** undefined without a message expression, or when its result cannot be shown. */
  #message({ message }: CompiledRule, bindings: object): string | undefined {
    if (!message) return undefined;
    const meter = new this.#cel.Meter();
    try {
      const made = message.evaluate(bindings as Record<string, unknown>, meter);
      const text = typeof made === "string" ? made.trim() : "";
      return text === "" || text.includes("\n") || new TextEncoder().encode(text).length > maxMessage
        ? undefined
        : text;
    } catch (error) {
      if (error instanceof this.#cel.CelEvaluationError) return undefined;
      throw error;
    } finally {
      this.#left -= meter.used;
    }
  }
}

const keyOf = (schema: SchemaProps, item: unknown): string =>
  JSON.stringify(
    (schema["x-kubernetes-list-map-keys"] ?? []).map((key) =>
      isObject(item) ? (ownMember(item, key) ?? null) : null,
    ),
    (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value),
  );

function itemsByKey(schema: SchemaProps, list: readonly unknown[]): Map<string, unknown> {
  return new Map(list.map((each) => [keyOf(schema, each), each]));
}
