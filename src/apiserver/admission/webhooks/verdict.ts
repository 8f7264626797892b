/** Evaluates the AdmissionReview that a webhook answers with. */
import { conformToType } from "../../../api/index.ts";
import { isObject, type Status, StatusError } from "../../../machinery/index.ts";
import { asObject, notRegistered } from "../../codec/type-meta.ts";
import { WebhookCallError } from "../../webhooks/answers.ts";
import { reviewTypes } from "./review-type.ts";

export type ReviewVersion = keyof typeof reviewTypes;

/** The request that the answer must match. */
export interface Asked {
  version: ReviewVersion;
  uid: string;
  mutating: boolean;
}

export interface Verdict {
  allowed: boolean;
  /** JSON text of a JSON patch, if any. */
  patch: string | undefined;
  /** Must be `JSONPatch`. */
  patchType: string;
  warnings: readonly string[];
  /** The webhook's audit annotations. */
  annotations: Readonly<Record<string, string>>;
  /** The webhook's reason of a refusal. */
  status: Partial<Status> | undefined;
}

interface Response {
  uid?: string;
  allowed?: boolean;
  status?: Partial<Status>;
  patch?: string;
  patchType?: string;
  auditAnnotations?: Record<string, string>;
  warnings?: string[];
}

interface Review {
  kind?: string | null;
  apiVersion?: string | null;
  response?: Response;
}

/** Other kinds that an answer may decode as, by version. */
const otherKinds: Readonly<Record<string, readonly string[]>> = {
  v1: ["Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList"],
};

/** The webhook's decision. Throws WebhookCallError. */
export function readVerdict(value: unknown, asked: Asked): Verdict {
  const review = decodeReview(value, asked.version);
  const { response } = review;
  if (!response) throw wrong("webhook response was absent");
  if (asked.version === "v1") verify(review, response, asked);
  const packed = asked.mutating ? (response.patch ?? "") : "";
  return {
    allowed: response.allowed === true,
    patch: packed === "" ? undefined : Buffer.from(packed, "base64").toString(),
    patchType: (asked.version === "v1" && response.patchType) || "JSONPatch",
    warnings: response.warnings ?? [],
    annotations: response.auditAnnotations ?? {},
    status: response.status,
  };
}

const wrong = (why: string): WebhookCallError =>
  new WebhookCallError(`received invalid webhook response: ${why}`);

/** Like Go's codec: kind and version first, then field by field. */
function decodeReview(value: unknown, version: ReviewVersion): Review {
  const called = (why: string, cause?: unknown): WebhookCallError =>
    new WebhookCallError(`failed to call webhook: ${why}`, { cause });
  const expected = { group: "admission.k8s.io", version, kind: "AdmissionReview" };
  const apiVersion = `admission.k8s.io/${version}`;
  const review = (value ?? {}) as Review;
  try {
    // Defaults kind and version only for decoding; the answer itself must have them.
    if (!isObject(review)) asObject(review, expected);
    asObject({ ...review }, { ...expected, known: () => true });
  } catch (cause) {
    const kind = review.kind ?? expected.kind;
    const given = review.apiVersion ?? apiVersion;
    const reviews = kind === expected.kind && /^admission\.k8s\.io\/(v1|v1beta1)$/.test(given);
    if (typeof kind !== "string" || typeof given !== "string" || !isObject(review))
      throw called(`couldn't get version/kind; json parse error: ${(cause as Error).message}`, cause);
    if (!reviews && !otherKinds[given]?.includes(kind)) throw called(notRegistered(kind, given), cause);
    const short = given.slice(given.indexOf("/") + 1);
    throw called(`converting (${short}.${kind}) to (${version}.${expected.kind}): unknown conversion`, cause);
  }
  const { problem } = conformToType(reviewTypes[version], review);
  if (problem !== undefined) throw called(problem);
  return review;
}

/** Checks of v1 only. */
function verify(review: Review, response: Response, { uid, mutating }: Asked): void {
  const { uid: given = "", patch = "", patchType } = response;
  if (given !== uid)
    throw wrong(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`);
  const kind = review.kind ?? "";
  const apiVersion = review.apiVersion ?? "";
  if (kind !== "AdmissionReview" || apiVersion !== "admission.k8s.io/v1") {
    const shown = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
    throw wrong(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${shown}, Kind=${kind}`,
    );
  }
  if (!mutating) {
    if (patch !== "") throw wrong("validating webhook may not return response.patch");
    if (patchType !== undefined) throw wrong("validating webhook may not return response.patchType");
    return;
  }
  if (patch !== "" && patchType === undefined)
    throw wrong("webhook returned response.patch but not response.patchType");
  if (patch === "" && patchType !== undefined)
    throw wrong("webhook returned response.patchType but not response.patch");
  if (patchType === "") throw wrong('webhook returned invalid response.patchType of ""');
}

/** The refusal of a webhook, as Kubernetes passes it on. */
export function denial(name: string, status: Partial<Status> = {}): StatusError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = status.message || status.reason;
  return new Denial(status, why ? `${by}: ${why}` : `${by} without explanation`);
}

/** A Status from a webhook, which may have values that Kubernetes itself never uses. */
export class Denial extends StatusError {
  readonly #given: Partial<Status>;

  constructor(given: Partial<Status>, message: string) {
    const { code = 0, reason = "", details, metadata } = given;
    super(reason as StatusError["reason"], message, {
      code: code < 400 ? 400 : code,
      ...(details ? { details } : {}),
      ...(metadata ? { metadata } : {}),
    });
    this.#given = given;
  }

  override toStatus(): Status {
    const { status } = this.#given;
    return { ...super.toStatus(), status: status && status !== "Success" ? status : "Failure" };
  }
}
