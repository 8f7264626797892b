import {
  celEngine,
  celReady,
  type CustomResourceDefinition,
  expressionWarnings,
  type ValidatingAdmissionPolicy,
} from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";

const manager = "validatingadmissionpolicy-status";

/**
 * Checks the expressions of ValidatingAdmissionPolicies against the kinds they match (KEP-3488), and reports missing fields and
 * type errors in their status. Runs when policies change, not when kinds do.
 */
export async function runAdmissionPolicyStatus(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    false,
  );
  const definitions = client.resource<CustomResourceDefinition>(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    false,
  );
  const policies = informers.of(resource);
  const queue = newQueue(context);
  policies.onChange((type, policy) => {
    if (type !== "delete") queue.add(keyOf(policy));
  });

  await runLoop(context, {
    name: manager,
    queue,
    workers: 1,
    needs: [policies],
    async reconcile(name) {
      const policy = policies.get(name);
      const generation = policy?.metadata?.generation ?? 0;
      if (!policy || generation <= (policy.status?.observedGeneration ?? 0)) return settled;
      const known = concernsOthers(policy) ? (await definitions.list()).items : [];
      await celReady();
      const cel = celEngine();
      const warnings = cel ? expressionWarnings(cel, policy, known, stampOf(clock.now())) : [];
      const body = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: { name },
        status: {
          observedGeneration: generation,
          typeChecking: warnings.length > 0 ? { expressionWarnings: warnings } : {},
        },
      };
      const options = { subresource: "status", fieldManager: manager, force: true };
      await ignoreMissing(resource.patch(undefined, name, "apply", body, options));
      return settled;
    },
  });
}

/** Whether it may match custom resources: their groups have dots, or are covered by a star. */
function concernsOthers({ spec }: ValidatingAdmissionPolicy): boolean {
  const groups = (spec?.matchConstraints?.resourceRules ?? []).flatMap(({ apiGroups = [] }) => apiGroups);
  return [...groups, spec?.paramKind?.apiVersion ?? ""].some((group) => group.includes("."));
}

/** Type names end with the current nanoseconds, which makes them unique. */
const stampOf = (now: number): string => String((now % 1000) * 1_000_000);
