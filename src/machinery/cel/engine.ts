/** Compiles expressions. Loaded only when there are any. */
import type { Names, Scope } from "./access.ts";
import { Checker } from "./check.ts";
import { type SizeOfPath, worstCost } from "./cost/estimate.ts";
import { formOf } from "./cost/form-of.ts";
import { CelCompileError, CelEvaluationError, type Problem, problemsText } from "./errors.ts";
import type { Messages } from "./aggregates.ts";
import { type Functions, functionsOf, type Library } from "./functions.ts";
import { authorization } from "./library/authorizer.ts";
import { conversions } from "./library/conversions.ts";
import { jsonPatches } from "./library/json-patch.ts";
import { formats } from "./library/formats.ts";
import { lists, optionals } from "./library/lists.ts";
import { addresses, urls } from "./library/net.ts";
import { operators } from "./library/operators.ts";
import { quantities, versions } from "./library/quantity.ts";
import { regexes } from "./library/regex.ts";
import { strings } from "./library/strings.ts";
import { offsetOf, parseDurationText, parseTimestampText, times } from "./library/time.ts";
import { expandMacro, expandMacroOrBind } from "./macros.ts";
import { Meter } from "./meter.ts";
import { parse } from "./parser.ts";
import { patchMessages } from "./patches.ts";
import { looseDuration } from "../duration.ts";
import type { CelType } from "./types.ts";
import { CelDuration, CelTimestamp, type CelValue } from "./values.ts";

const base: readonly Library[] = [
  operators,
  conversions,
  strings,
  regexes,
  times,
  lists,
  optionals,
  quantities,
  versions,
  addresses,
  urls,
  formats,
  authorization,
];
const functions = functionsOf(...base);

/** The variables of an expression. */
export type CelEnvironment = Readonly<Record<string, CelType>>;

/** Extensions for the expressions of one place. */
export interface CelExtensions {
  /** From `celFunctions`. */
  readonly functions?: Functions;
  readonly messages?: Messages;
  /** Whether `cel.bind` is available. */
  readonly binds?: boolean;
}

/** The standard functions and further libraries. */
const celFunctions = (...libraries: readonly Library[]): Functions => functionsOf(...base, ...libraries);

/** For expressions that change objects. */
export const patchExtensions: CelExtensions = {
  functions: celFunctions(jsonPatches),
  messages: patchMessages,
};

export interface CelProgram {
  readonly type: CelType;
  /** Variables used by the expression. */
  readonly used: ReadonlySet<string>;
  /** Throws CelEvaluationError. */
  evaluate(bindings: Readonly<Record<string, CelValue>>, meter?: Meter): CelValue;
  /** Maximum cost of one evaluation. */
  worstCost(sizeOfPath: SizeOfPath): number;
}

/** Throws CelCompileError with all errors, as printed by Kubernetes. */
export function compileCel(
  source: string,
  variables: CelEnvironment,
  extensions: CelExtensions = {},
): CelProgram {
  const fail = (problems: readonly Problem[]): never => {
    throw new CelCompileError(`compilation failed: ${problemsText(source, problems)}`);
  };
  const tree = parse(source);
  if (Array.isArray(tree)) return fail(tree);
  let names: Names | undefined;
  for (const [name, type] of Object.entries(variables)) names = { name, type, parent: names };
  const checker = new Checker(
    extensions.functions ?? functions,
    extensions.binds ? expandMacroOrBind : expandMacro,
    extensions.messages ?? (() => undefined),
  );
  try {
    const { type, run } = checker.check(tree, names);
    const problems = checker.problems.length > 0 ? checker.problems : checker.literals;
    if (problems.length > 0) return fail(problems.toSorted((a, b) => a.at - b.at));
    if (checker.unconvertible !== undefined)
      throw new CelCompileError(`program instantiation failed: ${checker.unconvertible}`);
    return {
      type,
      used: checker.used,
      worstCost: (sizeOfPath) => worstCost(formOf(checker.notes, tree), sizeOfPath),
      evaluate(bindings, meter = new Meter()) {
        let scope: Scope | undefined;
        for (const [name, value] of Object.entries(bindings)) scope = { name, value, parent: scope };
        try {
          return run(scope, meter);
        } catch (error) {
          // Deep recursion is the only other error.
          if (error instanceof RangeError)
            throw new CelEvaluationError("expression recursion limit exceeded");
          throw error;
        }
      },
    };
  } catch (error) {
    if (error instanceof RangeError)
      return fail([{ at: 0, text: "expression recursion limit exceeded: 250" }]);
    throw error;
  }
}

export { most as mostCost } from "./cost/range.ts";
export type { SizeOfPath } from "./cost/estimate.ts";
export { CelCompileError, CelCostError, CelEvaluationError } from "./errors.ts";
export { Meter, perCallLimit } from "./meter.ts";
export * as celTypes from "./types.ts";
export {
  type AskAuthorizer,
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  authorizerOf,
  resourceCheckOf,
} from "./library/authorizer.ts";
export { readsField } from "./selection.ts";
export { checkTypeNames, configurationOfCel, patchValueOfCel } from "./patches.ts";
export { CelMessage, CelOptional, type CelValue, markUnordered, scalarKey } from "./values.ts";

/** A string in an OpenAPI format with a type of its own; the string itself when it is invalid. */
export function celOfText(text: string, format: string): CelValue {
  switch (format) {
    case "byte":
      return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    case "duration": {
      const nanos = parseDurationText(text) ?? looseDuration(text);
      return nanos === undefined ? text : new CelDuration(nanos);
    }
    case "date":
    case "date-time": {
      const nanos = parseTimestampText(format === "date" ? `${text}T00:00:00Z` : text);
      return nanos === undefined ? text : new CelTimestamp(nanos, offsetOf(text));
    }
    default:
      return text;
  }
}

/** JSON without a schema: integers are ints. */
export function celOfJson(value: unknown): CelValue {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(celOfJson);
  const made = new Map<string, CelValue>();
  for (const [key, each] of Object.entries(value)) if (each !== undefined) made.set(key, celOfJson(each));
  return made;
}
