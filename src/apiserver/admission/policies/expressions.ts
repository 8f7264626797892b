/** Compiled expressions, shared by policies and match conditions. */
import {
  celEngine,
  compileExpression,
  type ExpressionScope,
  type KubeObject,
  type MatchCondition,
  type Wanted,
} from "../../../api/index.ts";
import type { Cel, CelProgram } from "../../../machinery/index.ts";

/** celconfig.RuntimeCELCostBudget and RuntimeCELCostBudgetMatchConditions. */
export const validationLimit = 10_000_000;
const conditionLimit = 2_500_000;

/** Call it only after `celReady` has settled. */
export function engine(): Cel {
  const cel = celEngine();
  if (!cel) throw new Error("expressions asked for before their engine was loaded");
  return cel;
}

/** An expression that may not compile: stored ones did, but maybe under another version. */
export interface Expression {
  readonly source: string;
  readonly program: CelProgram | string;
}

export function expressionOf(source: string, scope: ExpressionScope, wanted: Wanted): Expression {
  return { source, program: compileExpression(engine(), source, scope, wanted) };
}

/** The variables of expressions about a request. `params`: absent when the policy has none. */
export interface Facts {
  readonly object: KubeObject | null;
  readonly oldObject: KubeObject | null;
  readonly request: object;
  readonly namespaceObject: object | null;
  readonly params?: KubeObject | null;
}

export type Bindings = Readonly<Record<string, unknown>>;

export function bindingsOf(facts: Facts): Bindings {
  const { celOfJson } = engine();
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, celOfJson(value)]));
}

/** Variables are evaluated lazily, and once. */
export function withVariables(
  bindings: Bindings,
  programs: ReadonlyMap<string, CelProgram>,
  spend: (cost: number) => void,
): Bindings {
  if (programs.size === 0) return bindings;
  const cel = engine();
  const values = new Map<string, () => unknown>();
  const all = { ...bindings, variables: values };
  for (const [name, program] of programs) {
    let known: { value: unknown } | undefined;
    values.set(name, () => {
      if (known) return known.value;
      const meter = new cel.Meter();
      try {
        known = { value: program.evaluate(all, meter) };
        return known.value;
      } catch (error) {
        if (!(error instanceof cel.CelEvaluationError) || error instanceof cel.CelCostError) throw error;
        throw new cel.CelEvaluationError(
          `composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`,
        );
      } finally {
        spend(meter.used);
      }
    });
  }
  return all;
}

export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** The common cost budget of a policy's expressions. */
export class Budget {
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  spend(cost: number): void {
    this.#left -= cost;
  }

  /** The value, or an Error with the failure as its message. Throws OutOfBudget. */
  evaluate({ source, program }: Expression, bindings: Bindings): unknown {
    const cel = engine();
    if (typeof program === "string") return new Error(`compilation error: ${program}`);
    const meter = new cel.Meter();
    let value: unknown;
    try {
      value = program.evaluate(bindings, meter);
    } catch (error) {
      if (!(error instanceof cel.CelEvaluationError)) throw error;
      value = new Error(`expression '${source}' resulted in error: ${error.message}`);
    }
    this.spend(meter.used);
    if (this.#left < 0) throw new OutOfBudget();
    return value;
  }
}

export interface Condition {
  readonly name: string;
  readonly expression: Expression;
}

export const conditionsOf = (
  conditions: readonly MatchCondition[],
  scope: ExpressionScope,
): readonly Condition[] =>
  conditions.map(({ name, expression }) => ({
    name,
    expression: expressionOf(expression.trim(), scope, "bool"),
  }));

/** Whether all hold. One false condition decides even when others fail; otherwise a failure is an Error. */
export function conditionsHold(conditions: readonly Condition[], bindings: Bindings): boolean | Error {
  const budget = new Budget(conditionLimit);
  const errors: string[] = [];
  try {
    for (const { expression } of conditions) {
      const value = budget.evaluate(expression, bindings);
      if (value === false) return false;
      if (value instanceof Error) errors.push(value.message);
    }
  } catch (error) {
    if (error instanceof OutOfBudget) return error;
    throw error;
  }
  if (errors.length === 0) return true;
  return new Error(errors.length === 1 ? (errors[0] as string) : `[${errors.join(", ")}]`);
}
