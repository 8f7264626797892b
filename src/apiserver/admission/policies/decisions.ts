/** Evaluates a ValidatingAdmissionPolicy for a request: its decisions and audit annotations. */
import {
  compileVariables,
  type ExpressionScope,
  type ValidatingAdmissionPolicy,
  type Validation,
} from "../../../api/index.ts";
import type { CelProgram } from "../../../machinery/index.ts";
import type { PolicyError } from "../../metrics/policies.ts";
import {
  type Bindings,
  Budget,
  type Condition,
  conditionsHold,
  conditionsOf,
  engine,
  type Expression,
  expressionOf,
  OutOfBudget,
  validationLimit,
  withVariables,
} from "./expressions.ts";

export interface CompiledPolicy {
  readonly variables: ReadonlyMap<string, CelProgram>;
  readonly conditions: readonly Condition[];
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly { readonly key: string; readonly value: Expression }[];
}

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

export function compilePolicy({ spec = {} }: ValidatingAdmissionPolicy): CompiledPolicy {
  const { variables = [], validations = [], matchConditions = [], auditAnnotations = [] } = spec;
  const params = spec.paramKind !== undefined;
  const composed = compileVariables(engine(), variables, params);
  const scope: ExpressionScope = {
    params,
    ...(variables.length > 0 ? { variables: composed.types } : {}),
  };
  return {
    variables: composed.programs,
    conditions: conditionsOf(matchConditions, scope),
    validations: validations.map((validation) => ({
      validation,
      expression: expressionOf(validation.expression, scope, "bool"),
      message: validation.messageExpression
        ? expressionOf(validation.messageExpression, { ...scope, authorizer: false }, "string")
        : undefined,
    })),
    annotations: auditAnnotations.map(({ key, valueExpression }) => ({
      key,
      value: expressionOf(valueExpression.trim(), scope, "string or null"),
    })),
  };
}

/** A failed validation. */
export interface Decision {
  /** Of the validation. */
  readonly index: number;
  readonly message: string;
  readonly reason: string;
  readonly error: PolicyError;
  /** Time that its expressions took. */
  readonly ms: number;
}

/** An expression that failed while failurePolicy is Ignore. */
export type Passed = Pick<Decision, "error" | "ms">;

export interface Decisions {
  readonly decisions: readonly Decision[];
  readonly passed: readonly Passed[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** Audit annotations that failed; they refuse the request whatever the binding's actions are. */
  readonly failures: readonly string[];
}

const nothing: Decisions = { decisions: [], passed: [], annotations: [], failures: [] };

/** `asking`: the authorizer, available only to conditions and validations. */
export function decide(
  { spec = {} }: ValidatingAdmissionPolicy,
  policy: CompiledPolicy,
  facts: Bindings,
  asking: Bindings,
  now: () => number,
): Decisions {
  const ignore = spec.failurePolicy === "Ignore";
  const began = now();
  const alone = (message: string, error: PolicyError): Decisions => {
    const known = { error, ms: now() - began };
    return ignore
      ? { ...nothing, passed: [known] }
      : { ...nothing, decisions: [{ index: 0, message, reason: "Invalid", ...known }] };
  };
  const bound = (bindings: Bindings, budget: Budget): Bindings =>
    withVariables(bindings, policy.variables, (cost) => budget.spend(cost));
  const budget = new Budget(validationLimit);
  const all = bound({ ...facts, ...asking }, budget);
  const holds = conditionsHold(policy.conditions, all);
  if (holds === false) return nothing;
  if (holds instanceof Error) return alone(holds.message, errorOf(holds));
  try {
    const plain = bound(facts, budget);
    const passed: Passed[] = [];
    const decisions = policy.validations.flatMap((each, index): Decision[] => {
      const since = now();
      const value = budget.evaluate(each.expression, all);
      if (value === true) return [];
      if (value instanceof Error) {
        const known = { error: errorOf(value), ms: now() - since };
        if (!ignore) return [{ index, message: value.message, reason: "Invalid", ...known }];
        passed.push(known);
        return [];
      }
      const message = messageOf(each, budget, plain);
      const reason = each.validation.reason ?? "Invalid";
      return [{ index, message, reason, error: "no_error", ms: now() - since }];
    });
    return { decisions, passed, ...annotationsOf(policy, (own) => bound(facts, own), ignore) };
  } catch (error) {
    if (error instanceof OutOfBudget) return alone(error.message, "out_of_budget");
    throw error;
  }
}

/** The class of an error. */
const errorOf = (error: Error): PolicyError =>
  error instanceof OutOfBudget
    ? "out_of_budget"
    : error.message.startsWith("compilation error")
      ? "compile_error"
      : "invalid_error";

function annotationsOf(
  { annotations }: CompiledPolicy,
  bound: (budget: Budget) => Bindings,
  ignore: boolean,
): Pick<Decisions, "annotations" | "failures"> {
  const made: { key: string; value: string }[] = [];
  const failures: string[] = [];
  if (annotations.length > 0) {
    const budget = new Budget(validationLimit);
    const bindings = bound(budget);
    for (const { key, value: expression } of annotations) {
      const value = budget.evaluate(expression, bindings);
      if (value instanceof Error) {
        if (!ignore) failures.push(value.message);
      } else if (typeof value === "string" && value.trim() !== "") made.push({ key, value: value.trim() });
    }
  }
  return { annotations: made, failures };
}

/** celconfig.MaxEvaluatedMessageExpressionSizeBytes: longer messages are not used. */
const maxMessage = 5 * 1024;

function messageOf({ validation, message }: CompiledValidation, budget: Budget, bindings: Bindings): string {
  const made = message && textOf(message, budget, bindings);
  return made || validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

function textOf(expression: Expression, budget: Budget, bindings: Bindings): string {
  const value = budget.evaluate(expression, bindings);
  const text = typeof value === "string" ? value.trim() : "";
  return text.includes("\n") || Buffer.byteLength(text) > maxMessage ? "" : text;
}
