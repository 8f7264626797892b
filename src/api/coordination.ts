/** coordination.k8s.io: Lease. */
import { invalid } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { Lease } from "./generated/types.ts";

const define = kindsOf("coordination.k8s.io", "v1", "io.k8s.api.coordination.v1");

export const coordinationKinds: readonly KindDefinition[] = [
  define<Lease>({
    kind: "Lease",
    plural: "leases",
    defaults(lease) {
      lease.spec ??= {};
    },
    validate(lease) {
      const errors: FieldError[] = [];
      const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
      if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
        errors.push(invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
      }
      if (leaseTransitions !== undefined && leaseTransitions < 0) {
        errors.push(invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0"));
      }
      return errors;
    },
    columns: [
      nameColumn,
      column<Lease>("Holder", "string", (lease) => lease.spec?.holderIdentity ?? ""),
      ageColumn,
    ],
  }),
];
