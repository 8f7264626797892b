/**
 * Pods that one template makes differ in their names alone. What the rules say of all the rest of a pod depends on nothing else
 * than that, so it is found out once for as long as its text is remembered.
 */
import { textOfPart } from "../../../machinery/index.ts";
import type { Pod, PodSpec, Volume } from "../../generated/types.ts";

/** Of a pod nobody objects to. */
export interface Approval {
  /** What a new pod like this is warned of beside its name; not known before somebody asks, or where it names what is this pod's own. */
  warnings?: readonly string[];
}

/** So many texts are remembered, none of them longer than this. */
const maxTexts = 128;
const maxLength = 16 * 1024;

const approvals = new Map<string, Approval>();

const tokenPrefix = "kube-api-access-";
/** Names of token volumes are made up for each pod (service account admission). They are as long, and all are in order. */
const tokenName = /^kube-api-access-[a-z0-9]{5}$/;

export const namesToken = (text: string): boolean => text.includes(tokenPrefix);

const isToken = ({ name }: Volume): boolean => tokenName.test(name);
const isEphemeral = ({ ephemeral }: Volume): boolean => ephemeral !== undefined;

/** The annotations that mean something to Kubernetes: the rules of pods look at no others. */
export function knownAnnotations({ metadata }: Pod): Record<string, string> | undefined {
  let known: Record<string, string> | undefined;
  for (const key in metadata?.annotations) {
    if (key.includes("kubernetes.io/")) (known ??= {})[key] = metadata.annotations[key] as string;
  }
  return known;
}

/**
 * All that the rules look at, as text. Undefined where they look at more: claims of ephemeral volumes are called after the pod,
 * of ephemeral containers even empty lists count that are dropped; and where it were too long.
 */
export function textOfRules(spec: PodSpec, annotations: object | undefined): string | undefined {
  if (spec.volumes?.some(isEphemeral) || spec.ephemeralContainers?.length) return undefined;
  const text = annotations ? `${textOfPart(spec)}${JSON.stringify(annotations)}` : textOfPart(spec);
  if (text.length > maxLength) return undefined;
  const token = spec.volumes?.find(isToken)?.name;
  // No name is written without quotes: what was another name stays one.
  return token === undefined ? text : text.replaceAll(`"${token}"`, "0");
}

let last: { readonly pod: Pod; readonly approval: Approval } | undefined;

/** What was found out about such a pod; undefined when nobody has looked, or there were mistakes. */
export function approvalOf(pod: Pod, text: string): Approval | undefined {
  const approval = approvals.get(text);
  if (approval) last = { pod, approval };
  return approval;
}

/** The pod that was approved last, before anything else is done with it. */
export const lastApproval = (pod: Pod): Approval | undefined =>
  last?.pod === pod ? last.approval : undefined;

/** Remembers that nobody objects. */
export function approve(pod: Pod, text: string): void {
  const approval: Approval = {};
  approvals.set(text, approval);
  last = { pod, approval };
  if (approvals.size > maxTexts) approvals.delete(approvals.keys().next().value as string);
}

/** The known annotations with which a spec was in order, as text: of specs that nobody changes any more. */
const settled = new WeakMap<PodSpec, string>();

const textOf = (annotations: object | undefined): string => (annotations ? JSON.stringify(annotations) : "");

/** Notes that nobody objects to the spec of a pod that is there already. */
export function settle(spec: PodSpec, annotations: object | undefined): void {
  settled.set(spec, textOf(annotations));
}

/** True when nobody objected to this very spec, with these annotations. */
export const isSettled = (spec: PodSpec, annotations: object | undefined): boolean =>
  settled.get(spec) === textOf(annotations);
