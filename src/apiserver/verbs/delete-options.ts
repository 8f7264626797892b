import { conform, type FieldError, type KubeObject, readRepeated, schemaOf } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { decodeBody, unreadable } from "../codec/decode.ts";
import { checkGroupVersion, checkShape, notRegistered } from "../codec/type-meta.ts";
import type { Call } from "../core.ts";
import { badRequest, invalid } from "../errors.ts";
import { isTrue } from "../request-info.ts";
import { wholeNumber } from "./list-options.ts";
import { readDryRun } from "./write-options.ts";

export interface DeleteOptions {
  gracePeriodSeconds: number | undefined;
  /** Derived from the two below. */
  propagation: "Background" | "Foreground" | "Orphan" | undefined;
  propagationPolicy?: string | undefined;
  /** The deprecated option. */
  orphanDependents?: boolean | undefined;
  preconditions: { uid?: string; resourceVersion?: string };
  dryRun: boolean;
}

const policies = ["Foreground", "Background", "Orphan"];
const optionsKind = { group: "meta.k8s.io", kind: "DeleteOptions", plural: "" };

/** metav1.DeleteOptions as given. */
export interface GivenOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  orphanDependents?: boolean;
  propagationPolicy?: string;
  dryRun?: string[];
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean;
}

/** From the body, or from the query only when there is no body. */
export function readDeleteOptions(call: Call): DeleteOptions {
  const { request, info } = call;
  const empty = !request.body || request.body.length === 0;
  const given = empty
    ? queryOptions(info.query)
    : bodyOptions(request.body, request.headers?.["content-type"]);
  if (!empty) {
    // Kubernetes records its internal form.
    const { kind: _kind, apiVersion: _version, ...rest } = given as KubeObject;
    const recorded = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/__internal", ...rest };
    request.audit?.requested({}, () => recorded);
  }
  return judgeOptions(given);
}

/** Interprets options; throws 422 with all mistakes. */
export function judgeOptions(given: GivenOptions): DeleteOptions {
  const errors = policyErrors(given);
  const dryRun = readDryRun(given.dryRun, errors);
  if (errors.length > 0) throw invalid(optionsKind, "", errors);
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions = {} } = given;
  return {
    gracePeriodSeconds,
    propagation:
      (propagationPolicy as DeleteOptions["propagation"]) ??
      (orphanDependents === true ? "Orphan" : orphanDependents === false ? "Background" : undefined),
    propagationPolicy,
    orphanDependents,
    preconditions,
    dryRun,
  };
}

function policyErrors({ propagationPolicy: policy, orphanDependents }: GivenOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (policy === undefined) return errors;
  const field = "propagationPolicy";
  const quoted = JSON.stringify(policy);
  if (orphanDependents !== undefined) {
    const message = `Invalid value: ${quoted}: orphanDependents and deletionPropagation cannot be both set`;
    errors.push({ reason: "FieldValueInvalid", field, message });
  }
  if (!policies.includes(policy)) {
    const message = `Unsupported value: ${quoted}: supported values: "Foreground", "Background", "Orphan", "nil"`;
    errors.push({ reason: "FieldValueNotSupported", field, message });
  }
  return errors;
}

/** Present parameters count, even empty ones. */
function queryOptions(query: URLSearchParams): GivenOptions {
  const given: GivenOptions = {};
  const grace = query.get("gracePeriodSeconds");
  if (grace !== null) given.gracePeriodSeconds = wholeNumber(grace);
  const orphan = query.get("orphanDependents");
  if (orphan !== null) given.orphanDependents = isTrue(orphan);
  const policy = query.get("propagationPolicy");
  if (policy !== null) given.propagationPolicy = policy;
  if (query.has("dryRun")) given.dryRun = query.getAll("dryRun");
  const uid = query.get("uid");
  const resourceVersion = query.get("resourceVersion");
  given.preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  return given;
}

/** Kinds that the decoder accepts in the group meta.k8s.io, and in any version. */
const metaKinds = new Set(
  "CreateOptions GetOptions ListOptions PatchOptions PartialObjectMetadata PartialObjectMetadataList Table TableOptions UpdateOptions WatchEvent".split(
    " ",
  ),
);
const unversionedKinds = new Set(["APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"]);

const optionsType = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/** Throws 400. */
function bodyOptions(body: Uint8Array | undefined, contentType: string | undefined): GivenOptions {
  let value: unknown;
  try {
    const decoded = decodeBody(body, contentType);
    value = decoded?.value ?? {};
    checkShape(value);
    const type = decoded?.repeats && decoded.format === "json" ? schemaOf(optionsType) : undefined;
    if (decoded && type) value = readRepeated(type, decoded.text).value;
  } catch (error) {
    if (error instanceof StatusError && error.reason === "BadRequest")
      throw badRequest(unreadable(error), error);
    throw error;
  }
  const given = value as Record<string, unknown>;
  checkKind(String(given.kind || "DeleteOptions"), String(given.apiVersion || ""));
  const { problem } = conform(optionsType, given);
  if (problem) throw badRequest(problem);
  return Object.fromEntries(Object.entries(given).filter(([, each]) => each !== null)) as GivenOptions;
}

function checkKind(kind: string, apiVersion: string): void {
  checkGroupVersion(apiVersion);
  if (kind === "DeleteOptions") return;
  const own = "meta.k8s.io/v1";
  const version = apiVersion === "" || apiVersion === "/" ? own : apiVersion;
  const known = unversionedKinds.has(kind) || (version === own && metaKinds.has(kind));
  throw badRequest(
    known
      ? `converting (v1.${kind}) to (v1.DeleteOptions): unknown conversion`
      : notRegistered(kind, version),
  );
}
