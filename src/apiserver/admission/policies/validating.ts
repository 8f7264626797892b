/** ValidatingAdmissionPolicy: expressions of policies validate requests (KEP-3488). */
import {
  celReady,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
} from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import type { Enforcement } from "../../metrics/policies.ts";
import { settled } from "../../pending.ts";
import { refuse } from "../refuse.ts";
import { authorizerBindings } from "./authorizer.ts";
import { type CompiledPolicy, compilePolicy, type Decision, decide } from "./decisions.ts";
import { type Bindings, bindingsOf } from "./expressions.ts";
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

const plurals = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] as const;

type Bound = Policy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, CompiledPolicy>;

export function validatingAdmissionPolicy(context: PluginContext): AdmissionPlugin {
  const policies = new Policies<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, CompiledPolicy>(
    context.caches,
    plurals,
    (policy) => {
      const began = context.clock.monotonic();
      const compiled = compilePolicy(policy);
      context.metrics.policies.compiled(context.clock.monotonic() - began);
      return compiled;
    },
  );
  return {
    name: "ValidatingAdmissionPolicy",
    connects: true,
    validate(request) {
      const asked = concerned(context, request, policies.all());
      if (asked.length === 0) return undefined;
      const run = (): void | Promise<void> => {
        const asking = authorizerBindings(context.authorizer, request);
        const outcome = settled(() => outcomeOf(context, request, asked, asking));
        return outcome instanceof Promise
          ? outcome.then((late) => conclude(request, late))
          : conclude(request, outcome);
      };
      return celReady()?.then(run) ?? run();
    },
  };
}

/** The results of all policies, before they are reported. */
interface Outcome {
  readonly denials: Denial[];
  readonly warnings: string[];
  readonly annotations: (readonly [key: string, value: string])[];
}

function conclude(request: AdmissionRequest, { denials, warnings, annotations }: Outcome): void {
  for (const [key, value] of annotations) request.audit?.annotate(key, value);
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
  asking: Bindings,
): Outcome {
  const outcome: Outcome = { denials: [], warnings: [], annotations: [] };
  for (const each of asked) askPolicy(context, request, each, asking, outcome);
  return outcome;
}

function askPolicy(
  context: PluginContext,
  request: AdmissionRequest,
  concern: Concerned<Bound>,
  asking: Bindings,
  { denials, warnings, annotations }: Outcome,
): void {
  const { policy } = concern.policy;
  const name = policy.metadata?.name ?? "";
  const published = new Map<string, string[]>();
  for (const turn of turnsOf(context, request, concern)) {
    const binding = "binding" in turn ? turn.binding : undefined;
    const deny = (message: string, reason = "Invalid"): void => {
      denials.push({ policy, binding, message, reason });
    };
    if ("problem" in turn) {
      if (policy.spec?.failurePolicy !== "Ignore") deny(turn.problem);
      continue;
    }
    const { validationActions } = turn.binding.spec;
    const facts = bindingsOf(factsOf(context.caches, request, concern.resource, turn.params));
    const now = (): number => context.clock.monotonic();
    const compiled = concern.policy.compiled();
    const began = now();
    const { decisions, passed, annotations: made, failures } = decide(policy, compiled, facts, asking, now);
    const { policies } = context.metrics;
    policies.evaluated(now() - began);
    const by = turn.binding.metadata?.name ?? "";
    for (const { error, ms } of passed) policies.validated(name, by, error, "allow", ms);
    for (const decision of decisions)
      for (const action of validationActions) {
        const took = action.toLowerCase() as Enforcement;
        policies.validated(name, by, decision.error, took, decision.ms);
        const { message, reason } = decision;
        if (action === "Deny") deny(message, reason);
        else if (action === "Audit") annotations.push(failureAnnotation(turn.binding, decision));
        else if (action === "Warn")
          warnings.push(
            `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${turn.binding.metadata?.name}': ${message}`,
          );
      }
    for (const { key, value } of made) {
      const values = published.get(key) ?? [];
      published.set(key, values);
      const text = shortened(value);
      if (!values.includes(text)) values.push(text);
    }
    for (const failure of failures) deny(failure);
  }
  for (const [key, values] of published) annotations.push([`${name}/${key}`, values.join(", ")]);
}

/** Records only the first failure, since a key of the audit log is written once. */
function failureAnnotation(
  { metadata, spec }: ValidatingAdmissionPolicyBinding,
  { index, message }: Decision,
): readonly [string, string] {
  const failure = {
    message,
    policy: spec.policyName,
    binding: metadata?.name,
    expressionIndex: index,
    validationActions: spec.validationActions,
  };
  return ["validation.policy.admission.k8s.io/validation_failure", JSON.stringify([failure])];
}

const maxAnnotation = 10 * 1024;

/** Truncates longer values (bytes). */
function shortened(value: string): string {
  const bytes = Buffer.from(value);
  return bytes.length > maxAnnotation ? bytes.subarray(0, maxAnnotation).toString() : value;
}
