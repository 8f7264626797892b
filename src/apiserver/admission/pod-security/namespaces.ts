import type { Namespace, Pod, PodSpec } from "../../../api/index.ts";
import { invalid } from "../../errors.ts";
import type { AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { subjectOf } from "./check.ts";
import type { PodSecurityConfig } from "./config.ts";
import {
  labelOf,
  type LevelVersion,
  type Policy,
  policyOf,
  sameLevel,
  showLevel,
  strictness,
} from "./policy.ts";
import { showReasons, violations } from "./standards.ts";

/** Limit of existing pods that are checked when a namespace's level is raised. */
const maxPods = 3000;

export interface NamespaceCheck extends PodSecurityConfig {
  caches: PluginContext["caches"];
  /** Whether the pod's runtime class is exempt. */
  exemptClass(spec: PodSpec | undefined): boolean;
}

/** Throws when labels of a namespace became invalid, and warns of existing pods that violate a newly enforced level. */
export function checkNamespace(request: AdmissionRequest, check: NamespaceCheck): void {
  if (request.subresource !== "") return;
  const { defaults, exempt } = check;
  const { metadata } = request.object as Namespace;
  const next = policyOf(metadata?.labels, defaults);
  const isNew = request.operation === "CREATE";
  const before = policyOf(isNew ? undefined : request.oldObject?.metadata?.labels, defaults);
  if (next.errors.length > 0) {
    // Errors that the old object has, too, are tolerated.
    const known = !isNew && JSON.stringify(next.errors) === JSON.stringify(before.errors);
    if (!known) throw invalid(request.resource.def, request.name, next.errors);
  }
  const isExempt = exempt.namespaces.has(request.name);
  const warnIgnored = (): void => {
    request.warnings.push(...ignored(request.name, next, defaults, metadata?.labels ?? {}));
  };
  if (isNew) {
    if (isExempt) warnIgnored();
    return;
  }
  if (!mayBeStricter(next.enforce, before.enforce)) return;
  if (isExempt) warnIgnored();
  else request.warnings.push(...warningsAboutPods(request.name, next.enforce, check));
}

/** Whether pods that satisfied `before` may violate `next`. Versions of the same level may differ. */
function mayBeStricter(next: LevelVersion, before: LevelVersion): boolean {
  if (sameLevel(next, before) || next.level === "privileged") return false;
  return strictness(next.level) > strictness(before.level) || next.minor !== before.minor;
}

/** Warnings that the labels of an exempt namespace have no effect, if they differ from the defaults. */
function ignored(
  name: string,
  policy: Policy,
  defaults: Policy,
  labels: Readonly<Record<string, string>>,
): string[] {
  const modes = ["enforce", "audit", "warn"] as const;
  if (modes.every((mode) => policy[mode].level === "privileged")) return [];
  if (modes.every((mode) => sameLevel(policy[mode], defaults[mode]))) return [];
  const set = modes
    .filter((mode) => policy[mode].level !== "privileged")
    .filter((mode) => labels[labelOf(mode)] !== undefined || labels[labelOf(`${mode}-version`)] !== undefined)
    .map((mode) => `${mode}=${showLevel(policy[mode])}`);
  return [
    `namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${set.join(", ")}) will be ignored`,
  ];
}

function warningsAboutPods(
  namespace: string,
  enforce: LevelVersion,
  { caches, exemptClass }: NamespaceCheck,
): string[] {
  const all = caches.list<Pod>("", "pods", namespace);
  const pods = onePerOwnerFirst(all.filter(({ spec }) => !exemptClass(spec)));
  const byReasons = namesByReasons(pods.slice(0, maxPods), enforce);
  const warnings: string[] = [];
  if (pods.length > maxPods)
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${maxPods} of ${pods.length} existing pods`,
    );
  if (byReasons.size > 0)
    warnings.push(
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${showLevel(enforce)}"`,
    );
  const about = [...byReasons].map(([reasons, names]) => {
    const [first] = names.sort();
    const others = names.length - 1;
    const more = others === 0 ? "" : ` (and ${others} other pod${others === 1 ? "" : "s"})`;
    return `${first}${more}: ${reasons}`;
  });
  return [...warnings, ...about.sort()];
}

/** The names of pods that violate the level, by reasons. */
function namesByReasons(pods: readonly Pod[], enforce: LevelVersion): Map<string, string[]> {
  const byReasons = new Map<string, string[]>();
  for (const { metadata, spec } of pods) {
    const found = spec ? violations(enforce, subjectOf(metadata, spec)) : [];
    if (found.length === 0) continue;
    const reasons = showReasons(found);
    const names = byReasons.get(reasons);
    if (names) names.push(metadata?.name ?? "");
    else byReasons.set(reasons, [metadata?.name ?? ""]);
  }
  return byReasons;
}

/** Pods of the same owner are alike: one per owner comes first, so that the limit drops duplicates. */
function onePerOwnerFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const first: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const owner = pod.metadata?.ownerReferences?.find((each) => each.controller)?.uid;
    if (owner !== undefined && seen.has(owner)) others.push(pod);
    else first.push(pod);
    if (owner !== undefined) seen.add(owner);
  }
  return [...first, ...others];
}
