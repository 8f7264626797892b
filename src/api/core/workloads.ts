/** PodTemplate and ReplicationController: defaults and rules. */
import { forbidden, invalid, notSupported, required, selectorFromLabels } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { PodTemplate, ReplicationController } from "../generated/types.ts";
import { defaultPodTemplate } from "./pod/defaults.ts";
import { validatePodTemplate } from "./pod/spec.ts";

export function defaultTemplateKind(each: PodTemplate): void {
  defaultPodTemplate(each.template);
}

export function validateTemplateKind(each: PodTemplate): FieldError[] {
  const errors: FieldError[] = [];
  validatePodTemplate(each.template ?? {}, "template", errors);
  return errors;
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

export function validateReplicationController(each: ReplicationController): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? {};
  if ((spec.minReadySeconds ?? 0) < 0) {
    errors.push(invalid("spec.minReadySeconds", spec.minReadySeconds, "must be greater than or equal to 0"));
  }
  if ((spec.replicas ?? 0) < 0)
    errors.push(invalid("spec.replicas", spec.replicas, "must be greater than or equal to 0"));
  if (Object.keys(spec.selector ?? {}).length === 0) errors.push(required("spec.selector"));
  if (!spec.template) {
    errors.push(required("spec.template"));
    return errors;
  }
  const selector = selectorFromLabels(spec.selector);
  const labels = spec.template.metadata?.labels;
  if (selector.requirements.length > 0 && !selector.matches(labels)) {
    errors.push(
      invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`"),
    );
  }
  validatePodTemplate(spec.template, "spec.template", errors);
  if (spec.template.spec?.restartPolicy !== "Always") {
    errors.push(
      notSupported("spec.template.spec.restartPolicy", spec.template.spec?.restartPolicy ?? "", ["Always"]),
    );
  }
  if (spec.template.spec?.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden(
        "spec.template.spec.activeDeadlineSeconds",
        "activeDeadlineSeconds in ReplicationController is not Supported",
      ),
    );
  }
  return errors;
}
