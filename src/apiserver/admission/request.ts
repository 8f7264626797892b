/** Builds the AdmissionRequest of an API request. */
import type { KubeObject } from "../../api/index.ts";
import type { RequestInfo } from "../contract.ts";
import type { Call } from "../core.ts";
import { traceContextOf } from "../tracing/trace-context.ts";
import type { DeleteOptions } from "../verbs/delete-options.ts";
import { type AdmissionRequest, type GroupVersionKind, Reinvocation } from "./chain.ts";

interface Subject {
  operation: AdmissionRequest["operation"];
  object: KubeObject | undefined;
  oldObject?: KubeObject | undefined;
  name: string;
  namespace: string;
  subresource?: string;
  /** If it is not the resource's own. */
  kind?: GroupVersionKind;
  options: object | null;
  dryRun?: boolean;
}

type Caller = Pick<Call, "resource" | "info" | "user" | "dryRun" | "warnings" | "request">;

export function admissionOf(call: Caller, subject: Subject): AdmissionRequest {
  const { resource, info, user, dryRun, warnings, request } = call;
  const { group, version, kind } = resource.def;
  return {
    resource,
    info,
    user,
    dryRun,
    warnings,
    audit: request.audit,
    deadline: request.deadline,
    span: request.span,
    passedOn: request.span ? undefined : traceContextOf(request.headers),
    subresource: "",
    kind: { group, version, kind },
    oldObject: undefined,
    reinvocation: new Reinvocation(),
    ...subject,
  };
}

/** CreateOptions and UpdateOptions. There are no PatchOptions: a patch is admitted as a create or an update. */
export function writeOptions(kind: "CreateOptions" | "UpdateOptions", { query }: RequestInfo): object {
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const manager = query.get("fieldManager");
  const validation = query.get("fieldValidation");
  return {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(manager ? { fieldManager: manager } : {}),
    ...(validation ? { fieldValidation: validation } : {}),
  };
}

/** DeleteOptions as given, with the grace period that the kind determines. */
export function deleteOptions(options: DeleteOptions, gracePeriodSeconds: number | undefined): object {
  const { preconditions, orphanDependents, propagationPolicy, dryRun } = options;
  const { uid, resourceVersion } = preconditions;
  const pinned = uid !== undefined || resourceVersion !== undefined;
  return {
    kind: "DeleteOptions",
    apiVersion: "meta.k8s.io/v1",
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(pinned
      ? {
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        }
      : {}),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
}
