/** Builds and checks ConversionReviews (apiextensions.k8s.io). Pure. */
import type { KubeObject } from "../../api/index.ts";
import { isObject, StatusError } from "../../machinery/index.ts";
import { notRegistered } from "../codec/type-meta.ts";

const group = "apiextensions.k8s.io";
/** Supported versions of ConversionReview. */
const spoken = ["v1", "v1beta1"];

/** The webhook was not reached, or its answer is invalid; the text is Kubernetes'. */
export class ConversionError extends StatusError {
  /** True when there was an answer: a smaller review might succeed. */
  readonly answered: boolean;

  constructor(message: string, answered: boolean, cause?: unknown) {
    super("", message, { code: 500, cause });
    this.answered = answered;
  }
}

/** The first supported version in the definition's list: `apiextensions.k8s.io/v1`. Throws when there is none. */
export function reviewVersion(wanted: readonly string[]): string {
  const version = wanted.find((each) => spoken.includes(each));
  if (version === undefined) throw new ConversionError("no supported conversion review versions", false);
  return `${group}/${version}`;
}

export function conversionReview(
  version: string,
  uid: string,
  desiredAPIVersion: string,
  objects: readonly KubeObject[],
): object {
  return {
    kind: "ConversionReview",
    apiVersion: version,
    request: { uid, desiredAPIVersion, objects },
    // Go writes empty fields here.
    response: { uid: "", convertedObjects: null, result: { metadata: {} } },
  };
}

const kindText = (apiVersion: string, kind: string): string =>
  apiVersion === "" && kind === "" ? "/, Kind=" : `${apiVersion}, Kind=${kind}`;

/** Kinds that the decoder knows: errors name them by Go type. */
const goName = (apiVersion: string, kind: string): string => `${apiVersion.split("/").at(-1)}.${kind}`;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * The converted objects in an answer, unchecked. Throws an Error for an answer of another kind, to another request, or with a
 * failure, in the webhook's own words.
 */
export function convertedObjects(answer: unknown, version: string, uid: string): readonly unknown[] {
  if (!isObject(answer)) {
    const what =
      answer === null
        ? undefined
        : Array.isArray(answer)
          ? "array"
          : typeof answer === "boolean"
            ? "bool"
            : typeof answer;
    if (what !== undefined)
      throw new Error(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
      );
  }
  const { apiVersion, kind, response } = isObject(answer) ? answer : {};
  checkKind(text(apiVersion), text(kind), version);
  if (!isObject(response)) throw new Error("no response provided");
  // v1beta1 does not check it.
  if (version === `${group}/v1` && response.uid !== uid)
    throw new Error(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response.uid))}`,
    );
  const result = isObject(response.result) ? response.result : {};
  if (result.status !== "Success") {
    const message = text(result.message);
    throw new Error(
      message !== "" ? message : `response.result.status was '${text(result.status)}', not 'Success'`,
    );
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

function checkKind(apiVersion: string, kind: string, version: string): void {
  if (apiVersion === version && kind === "ConversionReview") return;
  if (apiVersion === "" || kind === "") {
    // An answer without kind and version is read as the expected one.
    if (version === `${group}/v1beta1`) return;
    throw new Error(
      `expected webhook response of ${group}/v1, Kind=ConversionReview, got ${kindText(apiVersion, kind)}`,
    );
  }
  const known =
    (kind === "ConversionReview" && spoken.some((each) => apiVersion === `${group}/${each}`)) ||
    (kind === "Status" && apiVersion === "v1");
  throw new Error(
    known
      ? `converting (${goName(apiVersion, kind)}) to (${goName(version, "ConversionReview")}): unknown conversion`
      : notRegistered(kind, apiVersion),
  );
}
