/** coordination.k8s.io: Lease. */
import { invalid } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { Lease } from "./generated/types.ts";

const define = kindsOf("coordination.k8s.io", "v1", "io.k8s.api.coordination.v1");

/** Fields of coordinated leader election, which is off by default: they are dropped. */
function dropElection(lease: Lease, old?: Lease): void {
  if (!lease.spec) return;
  if (old?.spec?.strategy === undefined) delete lease.spec.strategy;
  if (old?.spec?.preferredHolder === undefined) delete lease.spec.preferredHolder;
}

export const coordinationKinds: readonly KindDefinition[] = [
  define<Lease>({
    kind: "Lease",
    plural: "leases",
    defaults(lease) {
      lease.spec ??= {};
    },
    onUpdate: ["metadataChange", "object"],
    metaRules: { finalizers: "any" },
    prepareForCreate: (lease) => dropElection(lease),
    prepareForUpdate: dropElection,
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
