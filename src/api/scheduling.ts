/** scheduling.k8s.io: PriorityClass; node.k8s.io: RuntimeClass. */
import { duplicate, forbidden, isDns1123Label, notSupported, required } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { PriorityClass, RuntimeClass } from "./generated/types.ts";
import { each } from "./field-rules.ts";
import { internalForm } from "./internal-form.ts";
import { immutable, validateLabels } from "./metadata.ts";
import { validateResources } from "./core/pod/resources.ts";
import { validateTolerations } from "./core/pod/placement.ts";
import { oldNodeLabels } from "./old-node-labels.ts";

/** Priorities above this are for Kubernetes' own classes. */
const systemPriorities: Record<string, number> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

/** Why it is none of the classes that every cluster has. */
function systemProblem(name: string, { value, globalDefault }: PriorityClass): string | undefined {
  const known = systemPriorities[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

const highestUserPriority = 1_000_000_000;

const preemptionPolicies = ["PreemptLowerPriority", "Never"];

function validateRuntimeClass(given: RuntimeClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!given.handler) errors.push(required("handler"));
  else each(isDns1123Label, "handler", given.handler, errors);
  const { overhead, scheduling } = given;
  if (overhead) validateResources({ limits: overhead.podFixed }, "overhead", errors);
  if (!scheduling) return errors;
  validateLabels(scheduling.nodeSelector, "scheduling.nodeSelector", errors);
  const tolerations = scheduling.tolerations ?? [];
  validateTolerations(tolerations, "scheduling.tolerations", errors);
  const seen = new Set<string>();
  for (const [i, toleration] of tolerations.entries()) {
    const { key = "", operator = "", value = "", effect = "" } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) {
      const shown = internalForm("core.Toleration", toleration);
      errors.push(duplicate(`scheduling.tolerations[${i}]`, shown));
    }
    seen.add(identity);
  }
  return errors;
}

const definePriority = kindsOf("scheduling.k8s.io", "v1", "io.k8s.api.scheduling.v1");
const defineRuntime = kindsOf("node.k8s.io", "v1", "io.k8s.api.node.v1");

export const schedulingKinds: readonly KindDefinition[] = [
  definePriority<PriorityClass>({
    kind: "PriorityClass",
    plural: "priorityclasses",
    shortNames: ["pc"],
    namespaced: false,
    generation: true,
    defaults(each) {
      each.preemptionPolicy ??= "PreemptLowerPriority";
      each.value ??= 0;
    },
    changesGeneration: () => false,
    undeletable: (name) =>
      Object.hasOwn(systemPriorities, name)
        ? "this is a system priority class and cannot be deleted"
        : undefined,
    onUpdate: ["metadataChange", "change"],
    validate(each) {
      const errors: FieldError[] = [];
      const name = each.metadata?.name ?? "";
      if (name.startsWith("system-")) {
        const problem = systemProblem(name, each);
        if (problem !== undefined) {
          errors.push(
            forbidden(
              "metadata.name",
              `priority class names with 'system-' prefix are reserved for system use only. error: ${problem}`,
            ),
          );
        }
      } else if ((each.value ?? 0) > highestUserPriority) {
        errors.push(
          forbidden("value", `maximum allowed value of a user defined priority is ${highestUserPriority}`),
        );
      }
      const policy = each.preemptionPolicy;
      if (policy === "") errors.push(required("preemptionPolicy"));
      else if (policy !== undefined && !preemptionPolicies.includes(policy))
        errors.push(notSupported("preemptionPolicy", policy, preemptionPolicies));
      return errors;
    },
    validateUpdate(each, old) {
      const errors: FieldError[] = [];
      if (each.value !== old.value) errors.push(forbidden("value", "may not be changed in an update."));
      immutable("preemptionPolicy", each.preemptionPolicy, old.preemptionPolicy, errors);
      return errors;
    },
    columns: [
      nameColumn,
      column<PriorityClass>("Value", "integer", (each) => each.value ?? 0),
      column<PriorityClass>("Global-Default", "boolean", (each) => each.globalDefault ?? false),
      ageColumn,
      column<PriorityClass>(
        "PreemptionPolicy",
        "string",
        (each) => each.preemptionPolicy ?? "PreemptLowerPriority",
      ),
    ],
  }),
  defineRuntime<RuntimeClass>({
    kind: "RuntimeClass",
    plural: "runtimeclasses",
    namespaced: false,
    warnings: ({ scheduling }) =>
      Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
        const text = oldNodeLabels[key];
        return text ? [`scheduling.nodeSelector: ${text}`] : [];
      }),
    metaRules: { finalizers: "any" },
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: validateRuntimeClass,
    validateUpdate(each, old) {
      const errors: FieldError[] = [];
      immutable("handler", each.handler ?? "", old.handler ?? "", errors);
      return errors;
    },
    columns: [nameColumn, column<RuntimeClass>("Handler", "string", (each) => each.handler), ageColumn],
  }),
];
