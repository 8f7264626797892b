/** ValidatingAdmissionPolicy: expressions of policies decide about requests (KEP-3488). */
import {
  celReady,
  compileVariables,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
  type Validation,
} from "../../../api/index.ts";
import { type CelProgram, StatusError } from "../../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { settled } from "../../pending.ts";
import { refuse } from "../refuse.ts";
import { authorizerBindings } from "./authorizer.ts";
import {
  type Bindings,
  bindingsOf,
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
import { factsOf } from "./facts.ts";
import { type Concerned, concerned, Policies, type Policy, turnsOf } from "./policies.ts";

interface Denial {
  readonly policy: ValidatingAdmissionPolicy;
  readonly binding: ValidatingAdmissionPolicyBinding | undefined;
  readonly message: string;
  readonly reason: string;
}

const codes: Record<string, number> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/** Messages that expressions make are no longer (celconfig.MaxEvaluatedMessageExpressionSizeBytes). */
const maxMessage = 5 * 1024;

const plurals = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] as const;

type Bound = Policy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Compiled>;

interface Compiled {
  readonly variables: ReadonlyMap<string, CelProgram>;
  readonly conditions: readonly Condition[];
  readonly validations: readonly CompiledValidation[];
}

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

function compile({ spec = {} }: ValidatingAdmissionPolicy): Compiled {
  const { variables = [], validations = [], matchConditions = [] } = spec;
  const params = spec.paramKind !== undefined;
  const composed = compileVariables(engine(), variables, params);
  const scope = { params, ...(variables.length > 0 ? { variables: composed.types } : {}) };
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
  };
}

export function validatingAdmissionPolicy(context: PluginContext): AdmissionPlugin {
  const policies = new Policies<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Compiled>(
    context.caches,
    plurals,
    compile,
  );
  return {
    name: "ValidatingAdmissionPolicy",
    connects: true,
    validate(request) {
      const asked = concerned(context, request, policies.all());
      if (asked.length === 0) return undefined;
      const decide = (): void | Promise<void> => {
        const given = authorizerBindings(context.authorizer, request);
        const outcome = settled(() => outcomeOf(context, request, asked, given));
        return outcome instanceof Promise
          ? outcome.then((late) => conclude(request, late))
          : conclude(request, outcome);
      };
      return celReady()?.then(decide) ?? decide();
    },
  };
}

/** What policies come to, before anybody is told. */
interface Outcome {
  readonly denials: Denial[];
  readonly warnings: string[];
}

function conclude(request: AdmissionRequest, { denials, warnings }: Outcome): void {
  request.warnings.push(...warnings);
  if (denials[0]) throw denied(request, denials[0]);
}

function denied(request: AdmissionRequest, { policy, binding, message, reason }: Denial): StatusError {
  const by = binding ? ` with binding '${binding.metadata?.name}'` : "";
  const text = `ValidatingAdmissionPolicy '${policy.metadata?.name}'${by} denied request: ${message}`;
  const refusal = refuse(request, text);
  return new StatusError(reason as StatusError["reason"], refusal.message, {
    code: codes[reason] ?? 422,
    details: { ...refusal.details, causes: [{ message: text }] },
  });
}

function outcomeOf(
  context: PluginContext,
  request: AdmissionRequest,
  asked: readonly Concerned<Bound>[],
  given: Bindings,
): Outcome {
  const outcome: Outcome = { denials: [], warnings: [] };
  for (const each of asked)
    for (const turn of turnsOf(context, request, each)) {
      const { policy } = each.policy;
      const binding = "binding" in turn ? turn.binding : undefined;
      if ("problem" in turn) {
        if (policy.spec?.failurePolicy !== "Ignore")
          outcome.denials.push({ policy, binding, message: turn.problem, reason: "Invalid" });
        continue;
      }
      const { validationActions } = turn.binding.spec;
      const facts = factsOf(context.caches, request, each.resource, turn.params);
      for (const { message, reason } of decisions(each.policy, { ...bindingsOf(facts), ...given })) {
        if (validationActions.includes("Warn"))
          outcome.warnings.push(
            `Validation failed for ValidatingAdmissionPolicy '${policy.metadata?.name}' with binding '${turn.binding.metadata?.name}': ${message}`,
          );
        if (validationActions.includes("Deny")) outcome.denials.push({ policy, binding, message, reason });
      }
    }
  return outcome;
}

/** Why the request is to be refused: a message for each validation that does not hold. */
function decisions(policy: Bound, bindings: Bindings): { message: string; reason: string }[] {
  const { spec = {} } = policy.policy;
  const ignore = spec.failurePolicy === "Ignore";
  const failed = (message: string) => (ignore ? [] : [{ message, reason: "Invalid" }]);
  const { variables, conditions, validations } = policy.compiled();
  const budget = new Budget(validationLimit);
  const all = withVariables(bindings, variables, (cost) => budget.spend(cost));
  const holds = conditionsHold(conditions, all);
  if (holds === false) return [];
  if (holds instanceof Error) return failed(holds.message);
  try {
    return validations.flatMap((each) => {
      const value = budget.evaluate(each.expression, all);
      if (value === true) return [];
      if (value instanceof Error) return failed(value.message);
      return [{ message: messageOf(each, budget, all), reason: each.validation.reason ?? "Invalid" }];
    });
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message);
    throw error;
  }
}

function messageOf({ validation, message }: CompiledValidation, budget: Budget, bindings: Bindings): string {
  const made = message && textOf(message, budget, bindings);
  return made || validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

function textOf(expression: Expression, budget: Budget, bindings: Bindings): string {
  const value = budget.evaluate(expression, bindings);
  const text = typeof value === "string" ? value.trim() : "";
  return text.includes("\n") || Buffer.byteLength(text) > maxMessage ? "" : text;
}
