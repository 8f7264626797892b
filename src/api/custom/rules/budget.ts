/** Estimates the cost of a definition's rules, from its schema alone. */
import { type FieldError, forbidden } from "../../../machinery/index.ts";

/** Of one expression (apiextensions validation.StaticEstimatedCostLimit). */
const limit = 10_000_000;
/** Of all expressions of a schema (StaticEstimatedCRDCostLimit). */
const totalLimit = 100_000_000;

function tooMuch(what: string, cost: number, allowed: number): string {
  const factor = cost / allowed;
  // Go rounds ties to even.
  const rounded = factor % 1 === 0.25 ? `${Math.floor(factor)}.2` : factor.toFixed(1);
  const shown = factor > 100 ? "more than 100x" : `${factor < 1.5 ? factor.toFixed(6) : rounded}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

export class Budget {
  readonly #single: boolean;
  readonly #expensive: { readonly field: string; readonly cost: number }[] = [];
  #total = 0;

  /** `single`: whether each expression has its own limit; existing expressions have none. */
  constructor(single: boolean) {
    this.#single = single;
  }

  /** `what`: the expression's name in the message. `cost`: of all its evaluations for one object. */
  spend(field: string, what: "rule" | "messageExpression", cost: number): FieldError[] {
    this.#total += cost;
    if (cost >= totalLimit / 100) this.#expensive.push({ field, cost });
    return this.#single && cost > limit
      ? [forbidden(field, tooMuch(`estimated ${what} cost`, cost, limit))]
      : [];
  }

  /** The error for all of them together. `field`: of the schema. */
  problems(field: string): FieldError[] {
    if (this.#total <= totalLimit) return [];
    return [
      ...this.#expensive
        .toSorted((a, b) => b.cost - a.cost)
        .slice(0, 4)
        .map((each) =>
          forbidden(
            each.field,
            "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
          ),
        ),
      forbidden(
        field,
        tooMuch(
          "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
          this.#total,
          totalLimit,
        ),
      ),
    ];
  }
}
