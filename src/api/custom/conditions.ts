/** Conditions in the status of a CustomResourceDefinition. Pure. */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from "../generated/types.ts";

export type CrdCondition = Pick<CustomResourceDefinitionCondition, "type" | "status" | "reason" | "message">;

export const conditionOf = (
  crd: CustomResourceDefinition,
  type: string,
): CustomResourceDefinitionCondition | undefined =>
  crd.status?.conditions?.find((condition) => condition.type === type);

/** The conditions with one of them set; its time changes only with its status. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[] | undefined | null,
  condition: CrdCondition,
  now: string,
): CustomResourceDefinitionCondition[] {
  const known = conditions?.find((each) => each.type === condition.type);
  const next: CustomResourceDefinitionCondition = {
    type: condition.type,
    status: condition.status,
    lastTransitionTime: known?.status === condition.status ? known?.lastTransitionTime : now,
    reason: condition.reason,
    message: condition.message,
  };
  if (!known) return [...(conditions ?? []), next];
  return (conditions ?? []).map((each) => (each.type === condition.type ? next : each));
}
