import { parseFieldSelector, parseLabelSelector, SelectorError, StatusError } from "../../machinery/index.ts";
import type { LabelSelector } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Call } from "../core.ts";
import type { FieldError } from "../../api/index.ts";
import { badRequest, invalid } from "../errors.ts";
import { decodeContinue } from "./continue-token.ts";
import type { ServedResource } from "../registry/resource.ts";

/** Which objects of the namespace are meant. */
export interface Selection {
  matches(entry: Entry): boolean;
  /** True when everything matches. */
  all: boolean;
  /** True when objects must be inspected, not only names. */
  reads: boolean;
  /** The only name that can match, when the field selector says so. */
  name: string | undefined;
}

const metadataFields: Record<string, (entry: Entry) => string> = {
  "metadata.name": (entry) => entry.name,
  "metadata.namespace": (entry) => entry.namespace,
};

/** Parsed selectors, before the resource's fields are known. */
interface Selectors {
  labels: LabelSelector | undefined;
  fields: ReturnType<typeof parseFieldSelector>;
}

/** Throws 400. */
function parseSelectors(query: URLSearchParams): Selectors {
  const labels = query.get("labelSelector");
  const fields = query.get("fieldSelector");
  try {
    return {
      labels: labels ? parseLabelSelector(labels) : undefined,
      fields: fields ? parseFieldSelector(fields) : [],
    };
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message, error);
    throw error;
  }
}

/** Throws 400 for a field that the resource cannot be selected by. */
function selectionOf(resource: ServedResource, { labels, fields }: Selectors): Selection {
  const tests: ((entry: Entry) => boolean)[] = [];
  let name: string | undefined;
  let reads = false;
  for (const { field, op, value } of fields) {
    const own = resource.def.selectableFields?.[field];
    // Cluster-scoped custom resources with selectable fields cannot be selected by namespace.
    const foreign =
      field === "metadata.namespace" && !resource.def.namespaced && resource.def.selectableFields;
    const read =
      (foreign ? undefined : metadataFields[field]) ??
      (own && ((entry: Entry) => resource.seen(entry).field(field, own)));
    if (!read) throw badRequest(unknownField(resource, field));
    if (own) reads = true;
    if (op === "=") {
      if (field === "metadata.name") name = value;
      tests.push((entry) => read(entry) === value);
    } else tests.push((entry) => read(entry) !== value);
  }
  if (labels && !labels.empty) {
    const selector = labels;
    reads = true;
    let last: Entry["labels"];
    let matched = selector.matches(undefined);
    tests.push((entry) => {
      const { labels: own } = entry;
      // Adjacent objects often share their labels, which are one object then.
      if (own !== last) {
        matched = selector.matches(own);
        last = own;
      }
      return matched;
    });
  }
  const [only] = tests;
  return {
    all: tests.length === 0,
    reads,
    name,
    matches: tests.length === 1 && only ? only : (entry) => tests.every((test) => test(entry)),
  };
}

/** Each kind's conversion has its own error. */
const unknownFieldTexts: Readonly<Record<string, (field: string) => string>> = {
  "batch/jobs": (field) => `field label ${JSON.stringify(field)} not supported for Job`,
  "resource.k8s.io/resourceslices": (field) =>
    `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
};

function unknownField({ def }: ServedResource, field: string): string {
  const own = unknownFieldTexts[`${def.group}/${def.plural}`];
  if (own) return own(field);
  return def.selectableFields || def.type
    ? `field label not supported: ${field}`
    : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** A watch of an object named in the path cannot select another. Throws 400. */
function checkName(name: string, { fields }: Selectors): void {
  if (name === "" || fields.length === 0) return;
  const selected = fields.find(({ field, op }) => field === "metadata.name" && op === "=");
  if (selected?.value !== name) throw badRequest("fieldSelector metadata.name doesn't match requested name");
}

export type VersionMatch = "" | "Exact" | "NotOlderThan";

export interface ListOptions {
  limit: number;
  continue: string;
  /** As given; may be invalid. */
  version: string;
  /** undefined: not given. */
  resourceVersion: number | undefined;
  match: VersionMatch;
  /** 0: not given. */
  timeoutSeconds: number;
  selection: Selection;
}

const listOptionsKind = { group: "meta.k8s.io", kind: "ListOptions", plural: "" };

/**
 * Parses the options of a list or watch. Errors are found in Kubernetes' order: invalid values, invalid combinations, fields that
 * cannot be selected by. The caller checks the resource version and the continue token.
 */
export function readListOptions(call: Call, forWatch = false): ListOptions {
  const { query } = call.info;
  // In the order of the fields of metav1.ListOptions.
  const timeoutSeconds = wholeNumber(query.get("timeoutSeconds"));
  const limit = wholeNumber(query.get("limit"));
  const selectors = parseSelectors(query);
  const version = query.get("resourceVersion") ?? "";
  const match = (query.get("resourceVersionMatch") ?? "") as VersionMatch;
  const token = query.get("continue") ?? "";
  const given = { version, match, token, sendInitial: query.get("sendInitialEvents") !== null };
  const errors = forWatch ? watchErrors(withDefaults(given)) : listErrors(given);
  if (errors.length > 0) throw invalid(listOptionsKind, "", errors);
  const selection = selectionOf(call.resource, selectors);
  checkName(call.info.name, selectors);
  return {
    limit: Math.max(0, limit),
    continue: token,
    version,
    resourceVersion: version === "" ? undefined : Number(version),
    match,
    timeoutSeconds,
    selection,
  };
}

/** The beginning of a list, in history and in keys, is checked last. Throws 400. */
export function checkBeginning({ version, continue: token }: ListOptions): void {
  if (token !== "") {
    decodeContinue(token);
    if (version !== "" && version !== "0")
      throw badRequest("specifying resource version is not allowed when using continue");
    return;
  }
  const wrong = versionProblem(version);
  if (wrong !== undefined) throw badRequest(`invalid resource version: ${wrong}`);
}

/** Likewise for a watch. Throws 500. */
export function checkWatchVersion({ version }: ListOptions): void {
  const wrong = versionProblem(version);
  if (wrong !== undefined) throw new StatusError("", wrong, { code: 500 });
}

interface Given {
  version: string;
  match: string;
  token: string;
  sendInitial: boolean;
}

const forbidden = (field: string, detail: string): FieldError => ({
  reason: "FieldValueForbidden",
  field,
  message: `Forbidden: ${detail}`,
});

const unsupported = (match: string, values: string): FieldError => ({
  reason: "FieldValueNotSupported",
  field: "resourceVersionMatch",
  message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${values}`,
});

/** KEP-2523: valid combinations of a list. */
function listErrors({ version, match, token, sendInitial }: Given): FieldError[] {
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (match !== "") {
    if (version === "")
      errors.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (token !== "")
      errors.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan")
      errors.push(unsupported(match, '"Exact", "NotOlderThan", ""'));
    if (match === "Exact" && version === "0")
      errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitial) errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

/** A watch without a version requests initial events. */
function withDefaults(given: Given): Given {
  const unversioned = given.version === "" || given.version === "0";
  return unversioned && !given.sendInitial && given.match === ""
    ? { ...given, sendInitial: true, match: "NotOlderThan" }
    : given;
}

/** KEP-3157: valid combinations of a watch. */
function watchErrors({ match, token, sendInitial }: Given): FieldError[] {
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (sendInitial && match !== "NotOlderThan")
    errors.push(forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  if (match !== "") {
    if (!sendInitial)
      errors.push(
        forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
      );
    if (match !== "NotOlderThan") errors.push(unsupported(match, '"NotOlderThan"'));
    if (token !== "")
      errors.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
  }
  return errors;
}

/** An int64 in the query; 0 when absent. An empty value is invalid. */
export function wholeNumber(text: string | null): number {
  if (text === null) return 0;
  const problem = !/^[+-]?\d+$/.test(text)
    ? "invalid syntax"
    : BigInt.asIntN(64, BigInt(text.replace("+", ""))) === BigInt(text.replace("+", ""))
      ? undefined
      : "value out of range";
  if (problem) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`);
  return Number(text);
}

/** The error of a resource version, in Go's words. */
export function versionProblem(version: string): string | undefined {
  if (version === "") return undefined;
  const problem = !/^\d+$/.test(version)
    ? "invalid syntax"
    : BigInt(version) >= 2n ** 64n
      ? "value out of range"
      : undefined;
  if (!problem) return undefined;
  const quoted = JSON.stringify(version);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${problem}`;
}

/** The client has seen a revision that this store has not: wait and try again. */
export function tooLargeVersion(asked: number, current: number): StatusError {
  return new StatusError(
    "Timeout",
    `Timeout: Too large resource version: ${BigInt(asked)}, current: ${current}`,
    {
      details: {
        retryAfterSeconds: 1,
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      },
    },
  );
}
