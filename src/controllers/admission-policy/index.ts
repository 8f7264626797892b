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
 * Says of each ValidatingAdmissionPolicy what its expressions get wrong about the kinds that it matches (KEP-3488): fields
 * that are not there, types that do not fit. Policies are looked at when they change, and not when kinds do.
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

/** Whether it may be about kinds of definitions: their groups have dots, and no star stands for them. */
function concernsOthers({ spec }: ValidatingAdmissionPolicy): boolean {
  const groups = (spec?.matchConstraints?.resourceRules ?? []).flatMap(({ apiGroups = [] }) => apiGroups);
  return [...groups, spec?.paramKind?.apiVersion ?? ""].some((group) => group.includes("."));
}

/** Names of types end with the nanoseconds of the moment, so that they are unlike all others. */
const stampOf = (now: number): string => String((now % 1000) * 1_000_000);
