/** ValidatingAdmissionPolicy: expressions of policies decide about requests (KEP-3488). */
import {
  celReady,
  type KubeObject,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
} from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { refuse } from "../refuse.ts";
import { reviewOf } from "../webhooks/review.ts";
import {
  type Bindings,
  bindingsOf,
  Budget,
  conditionsHold,
  type Expression,
  OutOfBudget,
  validationLimit,
  withVariables,
} from "./expressions.ts";
import { paramResource, paramsOf } from "./params.ts";
import { type CompiledValidation, matched, Policies, type Policy } from "./policies.ts";

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

/** Nothing could mend a policy that refused its own change. */
const isPolicy = ({ def }: ServedResource): boolean =>
  def.group === "admissionregistration.k8s.io" && def.plural.includes("admissionpolic");

export function validatingAdmissionPolicy(context: PluginContext): AdmissionPlugin {
  const policies = new Policies(context.caches);
  const { registry, caches } = context;
  return {
    name: "ValidatingAdmissionPolicy",
    connects: true,
    validate(request) {
      if (isPolicy(request.resource)) return undefined;
      const concerned = policies.all().flatMap((policy) => {
        const resource = matched(policy.policy.spec?.matchConstraints, request, registry, caches);
        return resource ? [{ policy, resource }] : [];
      });
      if (concerned.length === 0) return undefined;
      const decide = (): void => {
        const denials = concerned.flatMap(({ policy, resource }) =>
          askPolicy(context, request, policy, resource),
        );
        if (denials[0]) throw denied(request, denials[0]);
      };
      const loading = celReady();
      if (loading) return loading.then(decide);
      decide();
      return undefined;
    },
  };
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

function askPolicy(
  context: PluginContext,
  request: AdmissionRequest,
  policy: Policy,
  resource: ServedResource,
): Denial[] {
  const { registry, caches } = context;
  const { spec = {} } = policy.policy;
  const ignore = spec.failurePolicy === "Ignore";
  const misconfigured = (message: string, binding?: ValidatingAdmissionPolicyBinding): Denial[] =>
    ignore ? [] : [{ policy: policy.policy, binding, message, reason: "Invalid" }];
  const { paramKind } = spec;
  const params = paramKind && paramResource(registry, paramKind);
  if (paramKind && !params) {
    const [head = "", tail] = (paramKind.apiVersion ?? "").split("/");
    const shown = tail === undefined ? `/${head}` : `${head}/${tail}`;
    return misconfigured(
      `failed to configure policy: failed to find resource referenced by paramKind: '${shown}, Kind=${paramKind.kind}'`,
    );
  }
  const base = factsOf(context, request, resource);
  return policy.bindings.flatMap((binding) => {
    if (!matched(binding.spec.matchResources, request, registry, caches)) return [];
    const { paramRef, validationActions } = binding.spec;
    const given = params && paramRef ? paramsOf(params, paramRef, request.namespace) : [undefined];
    if (typeof given === "string") return misconfigured(`failed to configure binding: ${given}`, binding);
    return given.flatMap((param) => {
      const bindings = bindingsOf({ ...base, ...(paramKind ? { params: param ?? null } : {}) });
      return decisions(policy, bindings).flatMap(({ message, reason }) => {
        if (validationActions.includes("Warn"))
          request.warnings.push(
            `Validation failed for ValidatingAdmissionPolicy '${policy.policy.metadata?.name}' with binding '${binding.metadata?.name}': ${message}`,
          );
        if (!validationActions.includes("Deny")) return [];
        return [{ policy: policy.policy, binding, message, reason }];
      });
    });
  });
}

function factsOf({ caches }: PluginContext, request: AdmissionRequest, resource: ServedResource) {
  const { uid: _uid, object, oldObject, ...rest } = reviewOf(request, { resource }, "").request;
  const { def } = request.resource;
  const isNamespace = def.group === "" && def.plural === "namespaces";
  const namespace =
    request.namespace === "" || isNamespace
      ? undefined
      : caches.get("", "namespaces", undefined, request.namespace);
  return { request: rest, object, oldObject, namespaceObject: namespace ? exposed(namespace) : null };
}

/** What of a namespace policies may see. */
function exposed(namespace: KubeObject): object {
  const { ownerReferences: _o, managedFields: _m, uid: _u, ...metadata } = namespace.metadata ?? {};
  const { spec, status } = namespace as { spec?: object; status?: object };
  return { metadata, spec: spec ?? {}, status: status ?? {} };
}

/** Why the request is to be refused: a message for each validation that does not hold. */
function decisions(policy: Policy, bindings: Bindings): { message: string; reason: string }[] {
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
