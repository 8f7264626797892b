/** Groups of the Kubernetes community are protected: definitions in them name their approval (KEP-1111). */
import type { CustomResourceDefinition } from "../generated/types.ts";

export const approvalAnnotation = "api-approved.kubernetes.io";

export interface Approval {
  state: "missing" | "bypassed" | "approved" | "invalid";
  text: string;
}

/** Undefined in unprotected groups. */
export function approvalOf(crd: CustomResourceDefinition): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(crd.spec?.group ?? "")) return undefined;
  const value = crd.metadata?.annotations?.[approvalAnnotation] ?? "";
  const needed = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const more = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (value === "") return { state: "missing", text: `${needed}, ${more}` };
  if (value.startsWith("unapproved"))
    return { state: "bypassed", text: `not approved: ${JSON.stringify(value)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(value) && URL.canParse(value))
    return { state: "approved", text: `approved in ${value}` };
  const either = 'with either a URL or a reason starting with "unapproved"';
  return { state: "invalid", text: `${needed} ${either}, ${more}` };
}
