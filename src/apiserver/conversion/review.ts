/** Makes and judges ConversionReviews (apiextensions.k8s.io). Pure. */
import type { KubeObject } from "../../api/index.ts";
import { isObject, StatusError } from "../../machinery/index.ts";
import { notRegistered } from "../codec/type-meta.ts";

const group = "apiextensions.k8s.io";
/** Supported versions of ConversionReview. */
const spoken = ["v1", "v1beta1"];

/** The webhook was not reached, or what it said is no conversion; the text is the original's. */
export class ConversionError extends StatusError {
  /** True when there was an answer: asked with less, the webhook might do better. */
  readonly answered: boolean;

  constructor(message: string, answered: boolean, cause?: unknown) {
    super("", message, { code: 500, cause });
    this.answered = answered;
  }
}

/** The first version in the definition's list that is spoken here: `apiextensions.k8s.io/v1`. Throws when there is none. */
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
    // Go writes what is empty here.
    response: { uid: "", convertedObjects: null, result: { metadata: {} } },
  };
}

const kindText = (apiVersion: string, kind: string): string =>
  apiVersion === "" && kind === "" ? "/, Kind=" : `${apiVersion}, Kind=${kind}`;

/** Kinds of the group whose versions the decoder knows: named otherwise when they are not what was asked for. */
const goName = (apiVersion: string, kind: string): string => `${apiVersion.split("/").at(-1)}.${kind}`;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * The converted objects in an answer, whatever they are. Throws an Error that says why there are none: an answer of another
 * kind, to another request, or a failure in the webhook's own words.
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
  // The older version never looked at it.
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
    // What says nothing of its kind is read as what was hoped for.
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
