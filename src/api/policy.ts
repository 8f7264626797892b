/** policy: PodDisruptionBudget. */
import { invalid, invalidTyped, isPercent, notSupported } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { PodDisruptionBudget } from "./generated/types.ts";
import { internalForm } from "./internal-form.ts";
import { notNegative } from "./field-rules.ts";
import { validateConditions } from "./condition-rules.ts";
import { validateLabelSelector } from "./metadata.ts";

/** A budget's status is written by the controller and, when it allows an eviction, by the server itself. */
function validateStatus(budget: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  const status = budget.status;
  validateConditions(status?.conditions, "status.conditions", errors);
  for (const name of ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const)
    notNegative(status?.[name], `status.${name}`, errors);
  return errors;
}

const define = kindsOf("policy", "v1", "io.k8s.api.policy.v1");

export const policyKinds: readonly KindDefinition[] = [
  define<PodDisruptionBudget>({
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    onCreate: ["object"],
    onUpdate: ["object"],
    onStatus: ["change"],
    shortNames: ["pdb"],
    generation: true,
    status: true,
    defaults(budget) {
      budget.spec ??= {};
    },
    validateStatus,
    validate(budget) {
      const errors: FieldError[] = [];
      const spec = budget.spec ?? {};
      if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
        errors.push(
          invalid(
            "spec",
            internalForm("policy.PodDisruptionBudgetSpec", spec),
            "minAvailable and maxUnavailable cannot be both set",
          ),
        );
      }
      for (const member of ["minAvailable", "maxUnavailable"] as const) {
        const value = spec[member];
        if (typeof value === "string" && !isPercent(value)) {
          errors.push(
            invalidTyped(
              `spec.${member}`,
              value,
              "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
            ),
          );
        } else if (typeof value === "number" && value < 0) {
          errors.push(invalid(`spec.${member}`, value, "must be greater than or equal to 0"));
        } else if (isPercent(value) && Number.parseInt(value, 10) > 100) {
          errors.push(invalid(`spec.${member}`, value, "must not be greater than 100%"));
        }
      }
      validateLabelSelector(spec.selector, "spec.selector", errors);
      const eviction = spec.unhealthyPodEvictionPolicy;
      if (eviction !== undefined && eviction !== "IfHealthyBudget" && eviction !== "AlwaysAllow") {
        errors.push(
          notSupported("spec.unhealthyPodEvictionPolicy", eviction, ["AlwaysAllow", "IfHealthyBudget"]),
        );
      }
      return errors;
    },
    columns: [
      nameColumn,
      column<PodDisruptionBudget>("Min Available", "string", (each) =>
        String(each.spec?.minAvailable ?? "N/A"),
      ),
      column<PodDisruptionBudget>("Max Unavailable", "string", (each) =>
        String(each.spec?.maxUnavailable ?? "N/A"),
      ),
      column<PodDisruptionBudget>(
        "Allowed Disruptions",
        "integer",
        (each) => each.status?.disruptionsAllowed ?? 0,
      ),
      ageColumn,
    ],
  }),
];
