/**
 * Caches validation results of pods. Pods of one template differ only in their names, and the other rules do not depend on
 * those, so each distinct text is validated once while it is cached.
 */
import { textOfPart } from "../../../machinery/index.ts";
import type { Pod, PodSpec, Volume } from "../../generated/types.ts";

/** A valid pod. */
export interface Approval {
  /** Warnings of a new pod besides those of its name; unknown until requested, or if they contain the pod's own names. */
  warnings?: readonly string[];
}

/** Limits of the cache: number of texts, and length of each. */
const maxTexts = 128;
const maxLength = 16 * 1024;

const approvals = new Map<string, Approval>();

const tokenPrefix = "kube-api-access-";
/**
 * Names of token volumes are generated for each pod (ServiceAccount admission). They have the same length, and all are valid.
 */
const tokenName = /^kube-api-access-[a-z0-9]{5}$/;

export const namesToken = (text: string): boolean => text.includes(tokenPrefix);

const isToken = ({ name }: Volume): boolean => tokenName.test(name);
const isEphemeral = ({ ephemeral }: Volume): boolean => ephemeral !== undefined;

/** The annotations with a meaning to Kubernetes: pod validation ignores others. */
export function knownAnnotations({ metadata }: Pod): Record<string, string> | undefined {
  let known: Record<string, string> | undefined;
  for (const key in metadata?.annotations) {
    if (key.includes("kubernetes.io/")) (known ??= {})[key] = metadata.annotations[key] as string;
  }
  return known;
}

/**
 * The input of validation, as text. Undefined when it depends on more: claims of ephemeral volumes are named by the pod, and
 * empty lists of ephemeral containers count although they are dropped; or when it is too long.
 */
export function textOfRules(spec: PodSpec, annotations: object | undefined): string | undefined {
  if (spec.volumes?.some(isEphemeral) || spec.ephemeralContainers?.length) return undefined;
  const text = annotations ? `${textOfPart(spec)}${JSON.stringify(annotations)}` : textOfPart(spec);
  if (text.length > maxLength) return undefined;
  const token = spec.volumes?.find(isToken)?.name;
  // Every name is in quotes, so that no replacement is ambiguous.
  return token === undefined ? text : text.replaceAll(`"${token}"`, "0");
}

let last: { readonly pod: Pod; readonly approval: Approval } | undefined;

/** The cached result; undefined when it is not cached, or there were errors. */
export function approvalOf(pod: Pod, text: string): Approval | undefined {
  const approval = approvals.get(text);
  if (approval) last = { pod, approval };
  return approval;
}

/** The last valid pod, before it is changed. */
export const lastApproval = (pod: Pod): Approval | undefined =>
  last?.pod === pod ? last.approval : undefined;

/** Caches that the pod is valid. */
export function approve(pod: Pod, text: string): void {
  const approval: Approval = {};
  approvals.set(text, approval);
  last = { pod, approval };
  if (approvals.size > maxTexts) approvals.delete(approvals.keys().next().value as string);
}

/** The annotations with which a spec was valid, as text: for specs that are not modified. */
const settled = new WeakMap<PodSpec, string>();

const textOf = (annotations: object | undefined): string => (annotations ? JSON.stringify(annotations) : "");

/** Caches that the spec of an existing pod is valid. */
export function settle(spec: PodSpec, annotations: object | undefined): void {
  settled.set(spec, textOf(annotations));
}

/** True when this spec was valid with these annotations. */
export const isSettled = (spec: PodSpec, annotations: object | undefined): boolean =>
  settled.get(spec) === textOf(annotations);
