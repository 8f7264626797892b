/** Whether the rules of a definition may cost too much, told from its schema alone. */
import { type FieldError, forbidden } from "../../../machinery/index.ts";

/** Of one expression (apiextensions validation.StaticEstimatedCostLimit). */
const limit = 10_000_000;
/** Of all expressions of a schema (StaticEstimatedCRDCostLimit). */
const totalLimit = 100_000_000;

function tooMuch(what: string, cost: number, allowed: number): string {
  const factor = cost / allowed;
  // Go rounds a tie to the even digit.
  const rounded = factor % 1 === 0.25 ? `${Math.floor(factor)}.2` : factor.toFixed(1);
  const shown = factor > 100 ? "more than 100x" : `${factor < 1.5 ? factor.toFixed(6) : rounded}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

export class Budget {
  readonly #single: boolean;
  readonly #expensive: { readonly field: string; readonly cost: number }[] = [];
  #total = 0;

  /** `single`: whether each expression has its limit, too; expressions that are there already have none. */
  constructor(single: boolean) {
    this.#single = single;
  }

  /** `what`: the expression, as it is called in the message. `cost`: of all times that one object has it evaluated. */
  spend(field: string, what: "rule" | "messageExpression", cost: number): FieldError[] {
    this.#total += cost;
    if (cost >= totalLimit / 100) this.#expensive.push({ field, cost });
    return this.#single && cost > limit
      ? [forbidden(field, tooMuch(`estimated ${what} cost`, cost, limit))]
      : [];
  }

  /** What is wrong with all of them together. `field`: of the schema. */
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
