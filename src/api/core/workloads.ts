/** PodTemplate and ReplicationController: defaults and rules. */
import {
  deepEqual,
  forbidden,
  invalid,
  isDns1123Subdomain,
  notSupported,
  required,
  selectorFromLabels,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { notNegative } from "../field-rules.ts";
import type {
  PodTemplate,
  PodTemplateSpec,
  ReplicationController,
  ReplicationControllerStatus,
} from "../generated/types.ts";
import { given } from "../given.ts";
import { shownLabels } from "../metadata.ts";
import { defaultPodTemplate } from "./pod/defaults.ts";
import { validatePodTemplate } from "./pod/spec.ts";
import { isChanged, templateWarnings, workloadWarnings } from "./pod/warnings.ts";

export function defaultTemplateKind(each: PodTemplate): void {
  each.template ??= {};
  defaultPodTemplate(each.template);
}

export function validateTemplateKind(each: PodTemplate, old?: PodTemplate): FieldError[] {
  const errors: FieldError[] = [];
  validatePodTemplate(each.template ?? {}, "template", errors, old?.template);
  return errors;
}

/** A template whose pods restart always and match the selector. `what`: the owner of the pods. */
export function validateServingTemplate(
  template: PodTemplateSpec,
  path: string,
  matches: (labels: Record<string, string> | undefined) => boolean,
  what: string,
  errors: FieldError[],
  old?: PodTemplateSpec,
): void {
  if (!matches(template.metadata?.labels)) {
    const text = "`selector` does not match template `labels`";
    errors.push(invalid(`${path}.metadata.labels`, shownLabels(template.metadata), text));
  }
  validatePodTemplate(template, path, errors, old);
  const policy = template.spec?.restartPolicy ?? "";
  if (policy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, policy, ["Always"]));
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${what} is not Supported`;
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, text));
  }
}

export function defaultReplicationController(each: ReplicationController): void {
  const spec = (each.spec ??= {});
  spec.replicas ??= 1;
  defaultPodTemplate(spec.template);
  const labels = spec.template?.metadata?.labels;
  if (!labels || !each.metadata) return;
  if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
  if (Object.keys(each.metadata.labels ?? {}).length === 0) each.metadata.labels = { ...labels };
}

/** Names are validated by newer rules, which count in bytes. */
export const controllerName = (name: string): readonly string[] =>
  isDns1123Subdomain(name).map((text) => text.replace(/characters$/, "bytes"));

export function validateReplicationController(
  each: ReplicationController,
  old?: ReplicationController,
): FieldError[] {
  const errors: FieldError[] = [];
  const { minReadySeconds, replicas, selector, template } = each.spec ?? {};
  notNegative(minReadySeconds, "spec.minReadySeconds", errors);
  if (Object.keys(selector ?? {}).length === 0) errors.push(required("spec.selector"));
  notNegative(replicas, "spec.replicas", errors);
  if (!template) {
    errors.push(required("spec.template"));
    return errors;
  }
  const found = selectorFromLabels(selector);
  const what = "ReplicationController";
  validateServingTemplate(
    template,
    "spec.template",
    (labels) => Object.keys(selector ?? {}).length === 0 || found.matches(labels),
    what,
    errors,
    old?.spec?.template,
  );
  return errors;
}

const inconvertible = "non-convertible.kubernetes.io";

/** Fields unknown to an extensions ReplicationController are preserved. */
export function validateReplicationControllerUpdate(
  each: ReplicationController,
  old: ReplicationController,
): FieldError[] {
  const errors = validateReplicationController(each, old);
  for (const [key, value] of Object.entries(old.metadata?.annotations ?? {})) {
    const [, name, more] = key.split("/");
    if (!key.startsWith(inconvertible) || name === undefined || more !== undefined) continue;
    if (!name.includes("selector")) {
      const message = `Not found: ${JSON.stringify(value)}: unknown non-convertible field`;
      errors.push({ reason: "FieldValueNotFound", field: name, message });
    } else if (!deepEqual(each.spec?.selector, old.spec?.selector))
      errors.push(
        invalid("spec.selector", each.spec?.selector ?? null, "cannot update non-convertible selector"),
      );
  }
  return errors;
}

/** Consistent numbers of replicas. */
function validateReplicas(status: Partial<ReplicationControllerStatus>): FieldError[] {
  const errors: FieldError[] = [];
  const counts = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const;
  for (const name of [...counts, "observedGeneration"] as const)
    notNegative(status[name], `status.${name}`, errors);
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  for (const name of counts) {
    const value = status[name] ?? 0;
    if (value > replicas)
      errors.push(invalid(`status.${name}`, value, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas) {
    const text = "cannot be greater than readyReplicas";
    errors.push(invalid("status.availableReplicas", availableReplicas, text));
  }
  return errors;
}

export const validateReplicationControllerStatus = ({ status }: ReplicationController): FieldError[] =>
  validateReplicas(given(status ?? { replicas: 0 }));

export const templateKindWarnings = (each: PodTemplate, old?: PodTemplate): string[] =>
  old && !isChanged(each, old) ? [] : templateWarnings("template", each.template);

/** At an update the warnings are about the old template. */
export function controllerWarnings(each: ReplicationController, old?: ReplicationController): string[] {
  if (!old) return workloadWarnings(each);
  return isChanged(each, old) ? templateWarnings("spec.template", old.spec?.template) : [];
}
