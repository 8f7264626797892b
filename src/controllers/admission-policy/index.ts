import type { ValidatingAdmissionPolicy } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";

const manager = "validatingadmissionpolicy-status";

/**
 * Says of each ValidatingAdmissionPolicy that it has been seen. Expressions are checked when the policy is stored; what is
 * not checked is whether the fields they name are those of the kinds that the policy matches, so there are no warnings.
 */
export async function runAdmissionPolicyStatus(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const resource = client.resource<ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
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
      const body = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: { name },
        status: { observedGeneration: generation, typeChecking: {} },
      };
      const options = { subresource: "status", fieldManager: manager, force: true };
      try {
        await resource.patch(undefined, name, "apply", body, options);
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
      return settled;
    },
  });
}
