import type { JobCondition } from "../generated/types.ts";

/** True when a condition of this type is True. */
export const isTrue = (conditions: readonly JobCondition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

export const isFalse = (conditions: readonly JobCondition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === "False") ?? false;
