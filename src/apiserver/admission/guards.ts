import { qualified } from "../errors.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { WriteAttempt, WriteGuard } from "../contract.ts";
import type { AdmissionPlugin } from "./chain.ts";

const operations: Record<string, WriteAttempt["operation"]> = {
  CREATE: "create",
  UPDATE: "update",
  DELETE: "delete",
};

/** Lets configured guards refuse a write, after all mutating plugins and before validation. */
export function guardPlugin(guards: ReadonlyMap<string, WriteGuard>, objects: ObjectReader): AdmissionPlugin {
  return {
    name: "Guards",
    admit({ operation, resource, info, user, object, oldObject }) {
      const guard = guards.get(qualified(resource.def));
      const named = operations[operation];
      if (!guard || !named) return undefined;
      return guard.check({ operation: named, info, user, object, old: oldObject, objects });
    },
  };
}
