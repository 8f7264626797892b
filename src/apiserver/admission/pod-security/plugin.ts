import type {
  Container,
  CronJob,
  Deployment,
  Namespace,
  ObjectMeta,
  Pod,
  PodSpec,
  PodTemplate,
} from "../../../api/index.ts";
import { forbidden, invalid } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import { type Evaluated, PodSecurityMetrics } from "../../metrics/pod-security.ts";
import { versionInfo } from "../../version.ts";
import type { PluginContext } from "../context.ts";
import { subjectOf, type Violation } from "./check.ts";
import { podSecurityConfig } from "./config.ts";
import {
  labelOf,
  type LevelVersion,
  policyOf,
  type Policy,
  sameLevel,
  showLevel,
  strictness,
} from "./policy.ts";
import { showDetails, showReasons, violations } from "./standards.ts";

const auditPrefix = "pod-security.kubernetes.io/";

/** So many pods of a namespace are looked at when it asks for more than before. */
const maxPods = 3000;

/** Writes through these do not change what a pod is allowed to be. */
const harmless = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);

/** Where kinds that make pods keep what they make them of. */
const templates: Record<string, (object: unknown) => { metadata?: ObjectMeta; spec?: PodSpec } | undefined> =
  {
    podtemplates: (object) => (object as PodTemplate).template,
    replicationcontrollers: (object) => (object as Deployment).spec?.template,
    "replicasets.apps": (object) => (object as Deployment).spec?.template,
    "deployments.apps": (object) => (object as Deployment).spec?.template,
    "statefulsets.apps": (object) => (object as Deployment).spec?.template,
    "daemonsets.apps": (object) => (object as Deployment).spec?.template,
    "jobs.batch": (object) => (object as Deployment).spec?.template,
    "cronjobs.batch": (object) => (object as CronJob).spec?.jobTemplate?.spec?.template,
  };

/** PodSecurity: holds the pods of a namespace to the level of the Pod Security Standards that its labels name. */
export function podSecurity({ caches, metrics, configuration }: PluginContext): AdmissionPlugin {
  const meters = new PodSecurityMetrics(metrics.registry);
  const { defaults, exempt } = podSecurityConfig(configuration?.get("PodSecurity"));
  const policyIn = (namespace: string): Policy =>
    policyOf(caches.get<Namespace>("", "namespaces", undefined, namespace)?.metadata?.labels, defaults);
  const exemptClass = (spec: PodSpec | undefined): boolean =>
    exempt.runtimeClasses.has(spec?.runtimeClassName ?? "");
  /** Why it is not held to anything. */
  const exemption = ({ namespace, user }: AdmissionRequest): string | undefined =>
    exempt.namespaces.has(namespace) ? "namespace" : exempt.usernames.has(user.name) ? "user" : undefined;
  const letThrough = (request: AdmissionRequest, resource: Evaluated["resource"], why: string): void => {
    request.audit?.annotate(`${auditPrefix}exempt`, why);
    meters.exempted({ operation: request.operation, resource, subresource: request.subresource });
  };
  return {
    name: "PodSecurity",
    validate(request) {
      if (request.operation !== "CREATE" && request.operation !== "UPDATE") return;
      const { def } = request.resource;
      const id = def.group === "" ? def.plural : `${def.plural}.${def.group}`;
      if (id === "pods") {
        if (harmless.has(request.subresource)) return;
        const why = exemption(request);
        if (why) letThrough(request, "pod", why);
        else if (!checkPod(request, policyIn(request.namespace), meters, exemptClass))
          letThrough(request, "pod", "runtimeClass");
      } else if (id === "namespaces") checkNamespace(request);
      else if (Object.hasOwn(templates, id) && request.subresource === "") {
        const why = exemption(request);
        if (why) return letThrough(request, "controller", why);
        const policy = policyIn(request.namespace);
        const { warn, audit } = policy;
        const lax = warn.level === "privileged" && (audit.level === "privileged" || !request.audit);
        const template = lax ? undefined : templates[id]?.(request.object);
        if (!template) return;
        if (exemptClass(template.spec)) return letThrough(request, "controller", "runtimeClass");
        const subject = subjectOf(template.metadata, template.spec ?? ({} as PodSpec));
        const note = noter(meters, request, "controller");
        if (policy.errors.length > 0) note.unreadable();
        warnOf(request, warn, violations(warn, subject), note);
        noteOf(request, audit, subject, note);
      }
    },
  };

  function checkNamespace(request: AdmissionRequest): void {
    if (request.subresource !== "") return;
    const { metadata } = request.object as Namespace;
    const next = policyOf(metadata?.labels, defaults);
    const isNew = request.operation === "CREATE";
    const before = policyOf(isNew ? undefined : request.oldObject?.metadata?.labels, defaults);
    if (next.errors.length > 0) {
      // What was wrong before may stay as it is.
      const known = !isNew && JSON.stringify(next.errors) === JSON.stringify(before.errors);
      if (!known) throw invalid(request.resource.def, request.name, next.errors);
    }
    const isExempt = exempt.namespaces.has(request.name);
    if (isNew && isExempt) request.warnings.push(...ignored(request.name, next, metadata?.labels ?? {}));
    if (isNew || sameLevel(next.enforce, before.enforce) || next.enforce.level === "privileged") return;
    const laxer = strictness(next.enforce.level) <= strictness(before.enforce.level);
    if (laxer && next.enforce.minor === before.enforce.minor) return;
    if (isExempt) {
      request.warnings.push(...ignored(request.name, next, metadata?.labels ?? {}));
      return;
    }
    request.warnings.push(...warningsAboutPods(request.name, next.enforce));
  }

  /** What an exempt namespace is told about its labels. */
  function ignored(name: string, policy: Policy, labels: Readonly<Record<string, string>>): string[] {
    const modes = ["enforce", "audit", "warn"] as const;
    if (modes.every((mode) => policy[mode].level === "privileged")) return [];
    if (modes.every((mode) => sameLevel(policy[mode], defaults[mode]))) return [];
    const set = modes
      .filter((mode) => policy[mode].level !== "privileged")
      .filter(
        (mode) => labels[labelOf(mode)] !== undefined || labels[labelOf(`${mode}-version`)] !== undefined,
      )
      .map((mode) => `${mode}=${showLevel(policy[mode])}`);
    return [
      `namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${set.join(", ")}) will be ignored`,
    ];
  }

  function warningsAboutPods(namespace: string, enforce: LevelVersion): string[] {
    const all = caches.list<Pod>("", "pods", namespace);
    const pods = onePerOwnerFirst(all.filter(({ spec }) => !exemptClass(spec)));
    const byReasons = new Map<string, string[]>();
    for (const { metadata, spec } of pods.slice(0, maxPods)) {
      const found = spec ? violations(enforce, subjectOf(metadata, spec)) : [];
      if (found.length === 0) continue;
      const reasons = showReasons(found);
      const names = byReasons.get(reasons);
      if (names) names.push(metadata?.name ?? "");
      else byReasons.set(reasons, [metadata?.name ?? ""]);
    }
    const about = [...byReasons].map(([reasons, names]) => {
      const [first] = names.sort();
      const others = names.length - 1;
      const more = others === 0 ? "" : ` (and ${others} other pod${others === 1 ? "" : "s"})`;
      return `${first}${more}: ${reasons}`;
    });
    return [
      ...(pods.length > maxPods
        ? [
            `new PodSecurity enforce level only checked against the first ${maxPods} of ${pods.length} existing pods`,
          ]
        : []),
      ...(about.length > 0
        ? [
            `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${showLevel(enforce)}"`,
          ]
        : []),
      ...about.sort(),
    ];
  }
}

/** Versions after this are not known here. */
const newestMinor = Number(versionInfo.minor);

/** Counts what is made of a request. */
function noter(meters: PodSecurityMetrics, request: AdmissionRequest, resource: Evaluated["resource"]) {
  const { operation, subresource } = request;
  return {
    evaluated(
      mode: Evaluated["mode"],
      decision: Evaluated["decision"],
      { level, minor }: LevelVersion,
    ): void {
      const named = minor > newestMinor ? "future" : `v1.${minor}`;
      const version = minor === Number.POSITIVE_INFINITY || level === "privileged" ? "latest" : named;
      meters.evaluated({ decision, level, version, mode, operation, resource, subresource });
    },
    unreadable: (): void => meters.unreadable({ operation, resource, subresource }),
  };
}

type Noter = ReturnType<typeof noter>;

/** False where its class is exempt. Throws a refusal. */
function checkPod(
  request: AdmissionRequest,
  policy: Policy,
  meters: PodSecurityMetrics,
  exempt: (spec: PodSpec) => boolean,
): boolean {
  const { enforce, warn, audit } = policy;
  const lax = enforce.level === "privileged" && warn.level === "privileged";
  if (lax && (audit.level === "privileged" || !request.audit)) {
    request.audit?.annotate(`${auditPrefix}enforce-policy`, showLevel(enforce));
    meters.unrestricted(request.operation, request.subresource);
    return true;
  }
  const pod = request.object as Pod;
  if (!pod.spec || (request.operation === "UPDATE" && !changesImages(pod, request.oldObject as Pod)))
    return true;
  if (exempt(pod.spec)) return false;
  const subject = subjectOf(pod.metadata, pod.spec);
  request.audit?.annotate(`${auditPrefix}enforce-policy`, showLevel(enforce));
  const note = noter(meters, request, "pod");
  if (policy.errors.length > 0) note.unreadable();
  noteOf(request, audit, subject, note);
  const found = violations(enforce, subject);
  note.evaluated("enforce", found.length > 0 ? "deny" : "allow", enforce);
  if (found.length > 0) {
    const why = `violates PodSecurity "${showLevel(enforce)}": ${showDetails(found)}`;
    throw forbidden(request.resource.def, request.name, why);
  }
  warnOf(request, warn, sameLevel(warn, enforce) ? found : violations(warn, subject), note);
  return true;
}

function warnOf(
  request: AdmissionRequest,
  level: LevelVersion,
  found: readonly Violation[],
  note: Noter,
): void {
  if (found.length === 0) return;
  note.evaluated("warn", "deny", level);
  request.warnings.push(`would violate PodSecurity "${showLevel(level)}": ${showDetails(found)}`);
}

/** For the record of requests. */
function noteOf(
  request: AdmissionRequest,
  level: LevelVersion,
  subject: ReturnType<typeof subjectOf>,
  note: Noter,
): void {
  if (!request.audit || level.level === "privileged") return;
  const found = violations(level, subject);
  if (found.length === 0) return;
  note.evaluated("audit", "deny", level);
  const text = `would violate PodSecurity "${showLevel(level)}": ${showDetails(found)}`;
  request.audit.annotate(`${auditPrefix}audit-violations`, text);
}

/** Of a running pod little can change; what matters here is new images and new containers. */
function changesImages({ spec }: Pod, old: Pod): boolean {
  for (const list of ["containers", "initContainers"] as const) {
    const now: readonly Container[] = spec?.[list] ?? [];
    const before: readonly Container[] = old.spec?.[list] ?? [];
    if (now.length !== before.length) return true;
    if (now.some((each, i) => each.image !== before[i]?.image)) return true;
  }
  return (spec?.ephemeralContainers ?? []).some((each) => {
    const before = old.spec?.ephemeralContainers?.find((one) => one.name === each.name);
    return !before || before.image !== each.image;
  });
}

/** Pods of the same owner are alike: one of each comes first, so that a limit leaves out the least. */
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
