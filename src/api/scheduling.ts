/** scheduling.k8s.io: PriorityClass; node.k8s.io: RuntimeClass. */
import { forbidden, invalid, isDns1123Label, notSupported, required } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { PriorityClass, RuntimeClass } from "./generated/types.ts";
import { immutable } from "./metadata.ts";
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

export const highestUserPriority = 1_000_000_000;

const preemptionPolicies = ["PreemptLowerPriority", "Never"];

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
    validate(each) {
      const name = each.metadata?.name ?? "";
      if (name.startsWith("system-")) {
        const problem = systemProblem(name, each);
        if (problem === undefined) return [];
        return [
          forbidden(
            "metadata.name",
            `priority class names with 'system-' prefix are reserved for system use only. error: ${problem}`,
          ),
        ];
      }
      const errors: FieldError[] = [];
      if ((each.value ?? 0) > highestUserPriority) {
        errors.push(
          forbidden("value", `maximum allowed value of a user defined priority is ${highestUserPriority}`),
        );
      }
      const policy = each.preemptionPolicy;
      if (policy !== undefined && !preemptionPolicies.includes(policy))
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
    validate(each) {
      if (!each.handler) return [required("handler")];
      return isDns1123Label(each.handler).map((text) => invalid("handler", each.handler, text));
    },
    validateUpdate(each, old) {
      const errors: FieldError[] = [];
      immutable("handler", each.handler, old.handler, errors);
      return errors;
    },
    columns: [nameColumn, column<RuntimeClass>("Handler", "string", (each) => each.handler), ageColumn],
  }),
];
