import type { FieldError } from "../../api/index.ts";
import { isObject } from "../../machinery/index.ts";
import { decodeBody, notRegistered } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest, invalid } from "../errors.ts";
import { readDryRun } from "./write-options.ts";
import { isTrue } from "../request-info.ts";

export interface DeleteOptions {
  gracePeriodSeconds: number | undefined;
  /** What follows from the two below. */
  propagation: "Background" | "Foreground" | "Orphan" | undefined;
  propagationPolicy?: string | undefined;
  /** The older way to say it. */
  orphanDependents?: boolean | undefined;
  preconditions: { uid?: string; resourceVersion?: string };
  dryRun: boolean;
}

const policies = ["Foreground", "Background", "Orphan"];

/** From the body, or from the query when there is none. */
export function readDeleteOptions(call: Call): DeleteOptions {
  const { request, info } = call;
  const body = decodeBody(request.body, request.headers?.["content-type"])?.value;
  if (body !== undefined && !isObject(body)) throw badRequest("the body of a DELETE must be DeleteOptions");
  const given: Record<string, unknown> = { ...body };
  if (body === undefined) {
    for (const name of ["propagationPolicy", "gracePeriodSeconds", "orphanDependents"]) {
      const text = info.query.get(name);
      if (text !== null && text !== "") given[name] = text;
    }
    if (typeof given.gracePeriodSeconds === "string")
      given.gracePeriodSeconds = Number(given.gracePeriodSeconds);
    if (typeof given.orphanDependents === "string") given.orphanDependents = isTrue(given.orphanDependents);
  } else if (given.kind !== undefined && given.kind !== "DeleteOptions") {
    throw badRequest(notRegistered(String(given.kind), String(given.apiVersion ?? "v1")));
  }
  const errors: FieldError[] = [];
  const policy = given.propagationPolicy;
  if (policy !== undefined && policy !== null) {
    if (!policies.includes(policy as string)) {
      errors.push({
        reason: "FieldValueNotSupported",
        field: "propagationPolicy",
        message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
      });
    }
    if (given.orphanDependents !== undefined && given.orphanDependents !== null) {
      errors.push({
        reason: "FieldValueInvalid",
        field: "propagationPolicy",
        message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
      });
    }
  }
  const dryRun = readDryRun(given.dryRun as string[] | undefined, errors) || call.dryRun;
  const grace = given.gracePeriodSeconds;
  if (grace !== undefined && grace !== null && !Number.isInteger(grace)) {
    {
      const type =
        typeof grace === "number" ? `number ${grace}` : typeof grace === "boolean" ? "bool" : typeof grace;
      throw badRequest(
        `json: cannot unmarshal ${type} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`,
      );
    }
  }
  if (errors.length > 0)
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions", plural: "" }, "", errors);
  const preconditions = isObject(given.preconditions) ? given.preconditions : {};
  const orphan = given.orphanDependents as boolean | undefined | null;
  return {
    gracePeriodSeconds: (grace as number | null | undefined) ?? undefined,
    propagation:
      (policy as DeleteOptions["propagation"] | null) ??
      (orphan === true ? "Orphan" : orphan === false ? "Background" : undefined),
    propagationPolicy: (policy as string | null | undefined) ?? undefined,
    orphanDependents: orphan ?? undefined,
    preconditions: preconditions as DeleteOptions["preconditions"],
    dryRun,
  };
}
