/** Validation of Job specs, in Jobs and in CronJob templates. */
import { byteLength, invalid, notSupported, required, tooLong } from "../../machinery/index.ts";
import { validatePodTemplate } from "../core/pod/spec.ts";
import type { FieldError } from "../definition.ts";
import { domainPathProblems, notNegative } from "../field-rules.ts";
import type { JobSpec, PodTemplateSpec } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { validateFailurePolicy, validateSuccessPolicy } from "./policies.ts";

const maxManagedByLength = 63;
/** Limits for the lists of indexes in the status. */
const maxParallelism = 100_000;
const maxFailedIndexes = 100_000;
const manyCompletions = 100_000;
/** Limits of parallelism and failed indexes for large numbers of completions. */
const limitAtMany = 10_000;

const modes = ["NonIndexed", "Indexed"];

function validateCounts(spec: JobSpec, path: string, errors: FieldError[]): void {
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const) {
    notNegative(spec[name], `${path}.${name}`, errors);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  if (spec.managedBy === undefined) return;
  errors.push(...domainPathProblems(`${path}.managedBy`, spec.managedBy));
  if (byteLength(spec.managedBy) > maxManagedByLength)
    errors.push(tooLong(`${path}.managedBy`, maxManagedByLength));
}

function validateIndexed(spec: JobSpec, path: string, errors: FieldError[]): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  const failedPath = `${path}.maxFailedIndexes`;
  const parallelismPath = `${path}.parallelism`;
  const atMost = "must be less than or equal to";
  if (completions === undefined)
    errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  if (parallelism > maxParallelism) {
    const text = `${atMost} ${maxParallelism} when completion mode is Indexed`;
    errors.push(invalid(parallelismPath, parallelism, text));
  }
  if (completions !== undefined && failed !== undefined && failed > completions)
    errors.push(invalid(failedPath, failed, `${atMost} completions`));
  if (failed !== undefined && failed > maxFailedIndexes)
    errors.push(invalid(failedPath, failed, `${atMost} ${maxFailedIndexes}`));
  if ((completions ?? 0) <= manyCompletions || spec.backoffLimitPerIndex === undefined) return;
  const text = `${atMost} ${limitAtMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined)
    errors.push(required(failedPath, `must be specified when completions is above ${manyCompletions}`));
  if (parallelism > limitAtMany) errors.push(invalid(parallelismPath, parallelism, text));
  if (failed !== undefined && failed > limitAtMany) errors.push(invalid(failedPath, failed, text));
}

function validateMode(spec: JobSpec, path: string, errors: FieldError[]): void {
  const { completionMode: mode } = spec;
  if (mode !== undefined && !modes.includes(mode))
    errors.push(notSupported(`${path}.completionMode`, mode, modes));
  if (mode === "Indexed") validateIndexed(spec, path, errors);
  if (mode !== undefined && mode !== "NonIndexed") return;
  for (const name of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) {
    const value = spec[name];
    if (value !== undefined)
      errors.push(invalid(`${path}.${name}`, value, "requires indexed completion mode"));
  }
}

function validateReplacement(spec: JobSpec, path: string, errors: FieldError[]): void {
  const value = spec.podReplacementPolicy;
  const known = spec.podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  if (value !== undefined && !known.includes(value)) errors.push(notSupported(path, value, known));
}

function validateRestartPolicy(spec: JobSpec, path: string, errors: FieldError[]): void {
  const known = ["OnFailure", "Never"];
  const policy = spec.template?.spec?.restartPolicy || "Always";
  if (policy === "Always") errors.push(required(path, 'valid values: "OnFailure", "Never"'));
  else if (!known.includes(policy)) errors.push(notSupported(path, policy, known));
  else if (spec.podFailurePolicy && policy !== "Never")
    errors.push(invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'));
}

/** All but the selector. `old`: the template at an update, whose errors may stay. */
export function validateJobSpec(
  spec: JobSpec,
  path: string,
  errors: FieldError[],
  old?: PodTemplateSpec,
): void {
  validateCounts(spec, path, errors);
  validateMode(spec, path, errors);
  if (spec.podFailurePolicy) validateFailurePolicy(spec, `${path}.podFailurePolicy`, errors);
  if (spec.successPolicy) {
    const here = `${path}.successPolicy`;
    if (spec.completionMode === "Indexed") validateSuccessPolicy(spec, here, errors);
    else {
      const shown = internalForm("batch.SuccessPolicy", spec.successPolicy);
      errors.push(invalid(here, shown, "requires indexed completion mode"));
    }
  }
  validateReplacement(spec, `${path}.podReplacementPolicy`, errors);
  validatePodTemplate(spec.template ?? {}, `${path}.template`, errors, old);
  validateRestartPolicy(spec, `${path}.template.spec.restartPolicy`, errors);
}
