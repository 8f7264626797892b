/** MutatingAdmissionPolicy: expressions of policies change objects (KEP-3962). */
import {
  celReady,
  compileVariables,
  type KubeObject,
  type MutatingAdmissionPolicy,
  type MutatingAdmissionPolicyBinding,
} from "../../../api/index.ts";
import { type CelProgram, deepEqual, StatusError } from "../../../machinery/index.ts";
import { takeOver, viewed } from "../change.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import type { PolicyError } from "../../metrics/policies.ts";
import { settled } from "../../pending.ts";
import { refuse } from "../refuse.ts";
import { Memory } from "../reinvocation.ts";
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
import { applyPatcher, jsonPatcher, type Patcher, PolicyProblem } from "./patchers.ts";
import { concerned, Policies, type Policy, type Turn, turnsOf } from "./policies.ts";

const name = "MutatingAdmissionPolicy";
const plurals = ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"] as const;

type Bound = Policy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Compiled>;
type Invocation = Exclude<Turn<Bound, MutatingAdmissionPolicyBinding>, { problem: string }>;

interface Compiled {
  readonly variables: ReadonlyMap<string, CelProgram>;
  readonly conditions: readonly Condition[];
  readonly mutations: readonly { readonly expression: Expression; readonly patch: Patcher }[];
}

function compile({ spec = {} }: MutatingAdmissionPolicy): Compiled {
  const { variables = [], mutations = [], matchConditions = [] } = spec;
  const params = spec.paramKind !== undefined;
  const composed = compileVariables(engine(), variables, params);
  const scope = { params, variables: composed.types };
  const patches = { ...scope, patches: true };
  return {
    variables: composed.programs,
    conditions: conditionsOf(matchConditions, scope),
    mutations: mutations.map(({ patchType, jsonPatch, applyConfiguration }) =>
      patchType === "JSONPatch"
        ? {
            expression: expressionOf(jsonPatch?.expression ?? "", patches, "list(JSONPatch)"),
            patch: jsonPatcher,
          }
        : {
            expression: expressionOf(applyConfiguration?.expression ?? "", patches, "Object"),
            patch: applyPatcher,
          },
    ),
  };
}

interface Denial {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding?: MutatingAdmissionPolicyBinding | undefined;
  readonly message: string;
  readonly reason: "Invalid" | "Forbidden";
}

export function mutatingAdmissionPolicy(context: PluginContext): AdmissionPlugin {
  const policies = new Policies<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Compiled>(
    context.caches,
    plurals,
    (policy) => {
      const began = context.clock.monotonic();
      const compiled = compile(policy);
      context.metrics.policies.compiled(context.clock.monotonic() - began);
      return compiled;
    },
  );
  return {
    name,
    connects: true,
    admit(request) {
      // Deletions have no object to change.
      if (request.operation === "DELETE" || !request.object) return undefined;
      const asked = concerned(context, request, policies.all());
      if (asked.length === 0) return undefined;
      const decide = async (): Promise<void> => {
        const turns = await settled(() => asked.flatMap((each) => [...turnsOf(context, request, each)]));
        await admit(context, request, turns);
      };
      return celReady()?.then(decide) ?? decide();
    },
  };
}

type Turns = readonly (Invocation | { readonly policy: Bound; readonly problem: string })[];

async function admit(context: PluginContext, request: AdmissionRequest, turns: Turns): Promise<void> {
  const denials: Denial[] = [];
  const invocations: Invocation[] = [];
  for (const turn of turns) {
    if (!("problem" in turn)) invocations.push(turn);
    else {
      const binding = "binding" in turn ? (turn.binding as MutatingAdmissionPolicyBinding) : undefined;
      denials.push({ policy: turn.policy.policy, binding, message: turn.problem, reason: "Forbidden" });
    }
  }
  if (invocations.length > 0) await ask(context, request, invocations, denials);
  const counted = denials.filter(({ policy }) => policy.spec?.failurePolicy !== "Ignore");
  if (counted.length > 0) throw denied(request, counted);
}

async function ask(
  context: PluginContext,
  request: AdmissionRequest,
  invocations: readonly Invocation[],
  denials: Denial[],
): Promise<void> {
  const given = authorizerBindings(context.authorizer, request);
  const memory = Memory.of(request, name);
  memory.begin(request);
  let patched = false;
  for (const each of invocations) {
    const { policy, binding } = each;
    const facts = (): Bindings => ({
      ...bindingsOf(factsOf(context.caches, request, each.resource, each.params)),
      ...given,
    });
    const failed = (message: string): void => {
      denials.push({ policy: policy.policy, binding, message, reason: "Invalid" });
    };
    const key = keyOf(each);
    if (!(await conditionsMet(each, facts, failed)) || !memory.mayAsk(key, request)) continue;
    const done = await mutate(request, each, facts, failed, context);
    patched ||= done.patched;
    if (done.changed) memory.changed(request);
    if (policy.policy.spec?.reinvocationPolicy === "IfNeeded") memory.asked(key);
  }
  // A patch triggers reinvocation even when it changed nothing.
  if (patched) memory.changed(request);
  memory.end(request);
}

const keyOf = ({ policy, binding, params }: Invocation): string =>
  JSON.stringify([
    policy.policy.metadata?.name,
    binding.metadata?.name,
    params?.metadata?.namespace,
    params?.metadata?.name,
  ]);

type FactsOf = () => Bindings;

async function conditionsMet(
  { policy }: Invocation,
  facts: FactsOf,
  failed: (message: string) => void,
): Promise<boolean> {
  const { conditions, variables } = policy.compiled();
  if (conditions.length === 0) return true;
  const holds = await settled(() =>
    conditionsHold(
      conditions,
      withVariables(facts(), variables, () => {}),
    ),
  );
  if (typeof holds === "boolean") return holds;
  failed(holds.message);
  return false;
}

/** Applies the mutations in order, each to the result of the one before; a failed one does not stop the others. */
async function mutate(
  request: AdmissionRequest,
  { policy, binding, resource }: Invocation,
  facts: FactsOf,
  failed: (message: string) => void,
  { clock, metrics }: PluginContext,
): Promise<{ patched: boolean; changed: boolean }> {
  const { mutations, variables } = policy.compiled();
  const result = { patched: false, changed: false };
  for (const { expression, patch } of mutations) {
    const began = clock.monotonic();
    const note = (error: PolicyError): void => {
      const [own, by] = [policy.policy.metadata?.name ?? "", binding.metadata?.name ?? ""];
      metrics.policies.mutated(own, by, error, clock.monotonic() - began);
    };
    try {
      const value = await settled(() => {
        const budget = new Budget(validationLimit);
        const bindings = withVariables(facts(), variables, (cost) => budget.spend(cost));
        if (typeof expression.program === "string") throw new PolicyProblem(expression.program);
        return budget.evaluate(expression, bindings);
      });
      if (value instanceof Error) throw new PolicyProblem(value.message, { cause: value });
      const object = request.object as KubeObject;
      const before = await settled(() => viewed(request, object, resource));
      const next = patch(value, { request, object: before, resource });
      result.patched = true;
      note("no_error");
      if (next === before || deepEqual(next, before)) continue;
      await takeOver(request, object, resource, next);
      result.changed = true;
    } catch (error) {
      if (!(error instanceof PolicyProblem) && !(error instanceof OutOfBudget)) throw error;
      const isBroken = typeof expression.program === "string";
      note(error instanceof OutOfBudget ? "out_of_budget" : isBroken ? "compile_error" : "invalid_error");
      failed(error.message);
    }
  }
  return result;
}

function denied(request: AdmissionRequest, denials: readonly Denial[]): StatusError {
  const texts = denials.map(({ policy, binding, message }) => {
    const by = binding
      ? `policy '${policy.metadata?.name}' with binding '${binding.metadata?.name}'`
      : `policy ${JSON.stringify(policy.metadata?.name)}`;
    return `${by} denied request: ${message}`;
  });
  const refusal = refuse(request, "");
  return new StatusError((denials[0] as Denial).reason, texts[0] as string, {
    code: 403,
    details: { ...refusal.details, causes: texts.map((message) => ({ message })) },
  });
}
