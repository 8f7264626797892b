import type { LabelSelectorObject } from "../machinery/index.ts";

/** Deprecated node labels, with their warnings. */
export const oldNodeLabels: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region":
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone":
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type":
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods":
    "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

/** Warnings for deprecated node labels in a label selector. */
export function nodeLabelWarnings(selector: LabelSelectorObject | undefined, path: string): string[] {
  const warnings: string[] = [];
  for (const [i, { key }] of (selector?.matchExpressions ?? []).entries()) {
    const text = oldNodeLabels[key];
    if (text) warnings.push(`${path}.matchExpressions[${i}].key: ${key} is ${text}`);
  }
  for (const name of Object.keys(selector?.matchLabels ?? {})) {
    const text = oldNodeLabels[name];
    if (text) warnings.push(`${path}.matchLabels.${name}: ${text}`);
  }
  return warnings;
}
