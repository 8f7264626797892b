import { parseFieldSelector, parseLabelSelector, SelectorError, StatusError } from "../../machinery/index.ts";
import type { LabelSelector } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import { jsonProblem } from "../codec/go-json.ts";
import type { Call } from "../core.ts";
import { badRequest, invalid } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";

/** Which objects of the namespace are meant. */
export interface Selection {
  matches(entry: Entry): boolean;
  /** Everything matches. */
  all: boolean;
  /** The only name that can match, when the field selector says so. */
  name: string | undefined;
}

const metadataFields: Record<string, (entry: Entry) => string> = {
  "metadata.name": (entry) => entry.name,
  "metadata.namespace": (entry) => entry.namespace,
};

export function readSelection(
  resource: ServedResource,
  labelText: string | null,
  fieldText: string | null,
): Selection {
  let labels: LabelSelector | undefined;
  const tests: ((entry: Entry) => boolean)[] = [];
  let name: string | undefined;
  try {
    if (labelText) labels = parseLabelSelector(labelText);
    for (const { field, op, value } of fieldText ? parseFieldSelector(fieldText) : []) {
      const own = resource.def.selectableFields?.[field];
      const read = metadataFields[field] ?? (own && ((entry: Entry) => entry.field(field, own)));
      if (!read) throw badRequest(unknownField(resource, field));
      if (op === "=") {
        if (field === "metadata.name") name = value;
        tests.push((entry) => read(entry) === value);
      } else tests.push((entry) => read(entry) !== value);
    }
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message, error);
    throw error;
  }
  if (labels && !labels.empty) {
    const selector = labels;
    tests.push((entry) => selector.matches(entry.labels));
  }
  const [only] = tests;
  return {
    all: tests.length === 0,
    name,
    matches: tests.length === 1 && only ? only : (entry) => tests.every((test) => test(entry)),
  };
}

function unknownField(resource: ServedResource, field: string): string {
  return resource.def.selectableFields
    ? `field label not supported: ${field}`
    : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

export const invalidVersion = (version: string): string =>
  `resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`;

export type VersionMatch = "" | "Exact" | "NotOlderThan";

export interface ListOptions {
  limit: number;
  continue: string;
  /** undefined: not given. */
  resourceVersion: number | undefined;
  match: VersionMatch;
}

const listOptionsKind = { group: "meta.k8s.io", kind: "ListOptions", plural: "" };

export function readListOptions(call: Call, forWatch = false): ListOptions {
  const { query } = call.info;
  const limitText = query.get("limit") || "0";
  const limit = Number(limitText);
  if (!/^-?\d+$/.test(limitText))
    throw badRequest(`strconv.ParseInt: parsing "${limitText}": invalid syntax`);
  const version = query.get("resourceVersion") ?? "";
  if (version !== "" && !/^\d+$/.test(version)) {
    const why = invalidVersion(version);
    if (forWatch) throw new StatusError("", why, { code: 500 });
    throw badRequest(`invalid resource version: ${why}`);
  }
  const match = (query.get("resourceVersionMatch") ?? "") as VersionMatch;
  const token = query.get("continue") ?? "";
  const fail = (field: string, detail: string, reason = "FieldValueForbidden"): never => {
    throw invalid(listOptionsKind, "", [{ reason, field, message: detail }]);
  };
  const sendInitial = query.get("sendInitialEvents");
  if (forWatch) {
    if (sendInitial !== null && match !== "NotOlderThan") {
      fail(
        "resourceVersionMatch",
        "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      );
    }
    if (sendInitial === null && match !== "") {
      fail(
        "resourceVersionMatch",
        "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      );
    }
  } else {
    if (sendInitial !== null) fail("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
    if (match !== "") {
      if (version === "")
        fail(
          "resourceVersionMatch",
          "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        );
      if (token !== "")
        fail(
          "resourceVersionMatch",
          "Forbidden: resourceVersionMatch is forbidden when continue is provided",
        );
      if (match !== "Exact" && match !== "NotOlderThan") {
        fail(
          "resourceVersionMatch",
          `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`,
          "FieldValueNotSupported",
        );
      }
      if (match === "Exact" && version === "0") {
        fail(
          "resourceVersionMatch",
          'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        );
      }
    }
    if (token !== "" && version !== "" && version !== "0") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
  }
  return {
    limit: Math.max(0, limit),
    continue: token,
    resourceVersion: version === "" ? undefined : Number(version),
    match,
  };
}

/** The client has seen a revision that this store has not: wait and try again. */
export function tooLargeVersion(asked: number, current: number): StatusError {
  return new StatusError("Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    details: {
      retryAfterSeconds: 1,
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    },
  });
}

/** Where a chunked list goes on: the snapshot's revision and the first key of the next page. */
export interface ContinueToken {
  revision: number;
  start: string;
}

export const encodeContinue = ({ revision, start }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start })).toString("base64url");

/** Revision -1: go on with the newest state. */
export function decodeContinue(text: string): ContinueToken {
  const plain = Buffer.from(text, "base64url").toString();
  let token: Record<string, unknown>;
  try {
    token = JSON.parse(plain) as Record<string, unknown>;
  } catch (cause) {
    throw badRequest(`invalid continue token: continue key is not valid: ${jsonProblem(plain)}`, cause);
  }
  const { v, rv, start } = token;
  if (v !== "meta.k8s.io/v1" || typeof rv !== "number" || typeof start !== "string") {
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version "${v}"`,
    );
  }
  return { revision: rv, start };
}
