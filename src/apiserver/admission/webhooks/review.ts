/** AdmissionReview (admission.k8s.io/v1): what a webhook is asked, and what its answer means. */
import { celReady, type KubeObject } from "../../../api/index.ts";
import { isObject, type Status, StatusError } from "../../../machinery/index.ts";
import { newUid } from "../../core.ts";
import { badRequest, forbidden } from "../../errors.ts";
import { WebhookCallError } from "../../webhooks/review-client.ts";
import type { ReviewClient, WebhookAddress } from "../../webhooks/review-client.ts";
import type { AdmissionRequest } from "../chain.ts";
import { bindingsOf, type Condition, conditionsHold, conditionsOf } from "../policies/expressions.ts";
import type { Called } from "./hooks.ts";

const reviewVersion = "admission.k8s.io/v1";

export interface ReviewAnswer {
  allowed: boolean;
  /** JSON text of a JSON patch; undefined when there is none. */
  patch: string | undefined;
  warnings: readonly string[];
  /** What it wants to have recorded. */
  annotations: Readonly<Record<string, unknown>>;
}

const optionKinds = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions" } as const;

function optionsOf(request: AdmissionRequest): object | null {
  if (request.operation === "CONNECT") return null;
  const { query, verb } = request.info;
  const kind =
    verb === "patch" && request.operation === "UPDATE" ? "PatchOptions" : optionKinds[request.operation];
  const manager = query.get("fieldManager");
  const validation = query.get("fieldValidation");
  return {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(request.dryRun ? { dryRun: ["All"] } : {}),
    ...(manager ? { fieldManager: manager } : {}),
    ...(validation ? { fieldValidation: validation } : {}),
  };
}

/** An object as the version that matched shows it. */
function shown(
  request: AdmissionRequest,
  called: Pick<Called, "resource">,
  object: KubeObject | undefined,
): KubeObject | null {
  if (!object) return null;
  const { resource } = called;
  if (request.operation === "CONNECT" || !sameKind(request, object)) return object;
  if (resource.def.storedAs) return resource.shown(object);
  return { ...object, kind: resource.def.kind, apiVersion: resource.apiVersion };
}

/** Subresources may carry an object of another kind (a Binding, a Scale). */
const sameKind = ({ resource }: AdmissionRequest, object: KubeObject): boolean =>
  object.kind === undefined || object.kind === resource.def.kind || object.kind === resource.storedKind;

/** What is said of a request, to webhooks and to expressions. */
export interface AdmissionReview {
  kind: string;
  apiVersion: string;
  request: {
    uid: string;
    object: KubeObject | null;
    oldObject: KubeObject | null;
    [member: string]: unknown;
  };
}

export function reviewOf(
  request: AdmissionRequest,
  called: Pick<Called, "resource">,
  uid: string,
): AdmissionReview {
  const { def } = request.resource;
  const matched = called.resource.def;
  const kindOf = (object: KubeObject | undefined, { group, version, kind }: typeof def): object => {
    if (!object || sameKind(request, object)) return { group, version, kind };
    const [name = "", of = ""] = String(object.apiVersion).split("/");
    return of === ""
      ? { group: "", version: name, kind: object.kind }
      : { group: name, version: of, kind: object.kind };
  };
  const { user } = request;
  const subject = request.object ?? request.oldObject;
  const part = request.subresource === "" ? {} : { subResource: request.subresource };
  const requestPart = request.subresource === "" ? {} : { requestSubResource: request.subresource };
  return {
    kind: "AdmissionReview",
    apiVersion: reviewVersion,
    request: {
      uid,
      kind: kindOf(subject, matched),
      resource: { group: matched.group, version: matched.version, resource: matched.plural },
      ...part,
      requestKind: kindOf(subject, def),
      requestResource: { group: def.group, version: def.version, resource: def.plural },
      ...requestPart,
      ...(request.name === "" ? {} : { name: request.name }),
      ...(request.namespace === "" ? {} : { namespace: request.namespace }),
      operation: request.operation,
      userInfo: {
        username: user.name,
        ...(user.uid ? { uid: user.uid } : {}),
        groups: user.groups,
        ...(user.extra ? { extra: user.extra } : {}),
      },
      object: shown(request, called, request.object),
      oldObject: shown(request, called, request.oldObject),
      dryRun: request.dryRun,
      options: optionsOf(request),
    },
  };
}

/** Throws WebhookCallError for what is no answer to this review. */
function readAnswer(value: unknown, uid: string): ReviewAnswer & { status: Partial<Status> | undefined } {
  if (!isObject(value) || value.kind !== "AdmissionReview" || value.apiVersion !== reviewVersion) {
    const got = isObject(value)
      ? `${String(value.apiVersion ?? "")}, Kind=${String(value.kind ?? "")}`
      : "nothing";
    throw new WebhookCallError(
      `received invalid webhook response: expected webhook response of ${reviewVersion}, Kind=AdmissionReview, got ${got}`,
    );
  }
  const { response } = value;
  if (!isObject(response))
    throw new WebhookCallError("received invalid webhook response: webhook response was absent");
  if (response.uid !== uid)
    throw new WebhookCallError(
      `received invalid webhook response: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`,
    );
  const packed = response.patch;
  if (packed !== undefined && packed !== null && response.patchType !== "JSONPatch")
    throw new WebhookCallError(
      `received invalid webhook response: webhook returned invalid response.patchType of ${JSON.stringify(response.patchType ?? "")}`,
    );
  return {
    allowed: response.allowed === true,
    patch: typeof packed === "string" && packed !== "" ? Buffer.from(packed, "base64").toString() : undefined,
    warnings: Array.isArray(response.warnings)
      ? response.warnings.filter((each) => typeof each === "string")
      : [],
    annotations: isObject(response.auditAnnotations) ? response.auditAnnotations : {},
    status: isObject(response.status) ? (response.status as Partial<Status>) : undefined,
  };
}

/** The refusal that the webhook worded, as Kubernetes passes it on. */
function denial(name: string, status: Partial<Status> | undefined): StatusError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = status?.message
    ? `${by}: ${status.message}`
    : status?.reason
      ? `${by}: ${status.reason}`
      : `${by} without explanation`;
  const code = status?.code !== undefined && status.code >= 400 ? status.code : 400;
  return new StatusError((status?.reason ?? "") as StatusError["reason"], message, {
    code,
    ...(status?.details ? { details: status.details } : {}),
  });
}

/** Match conditions of webhooks as they are configured now; a change makes another object of each. */
const compiled = new WeakMap<Called["hook"], readonly Condition[]>();

/** Whether the webhook's match conditions hold. Where nobody can tell, its failurePolicy does. */
async function wanted(request: AdmissionRequest, called: Called): Promise<boolean> {
  await celReady();
  const { hook } = called;
  const { uid: _uid, object, oldObject, ...rest } = reviewOf(request, called, "").request;
  const bindings = bindingsOf({ object, oldObject, request: rest, namespaceObject: null });
  let conditions = compiled.get(hook);
  if (!conditions) {
    conditions = conditionsOf(hook.matchConditions ?? [], { params: false });
    compiled.set(hook, conditions);
  }
  const holds = conditionsHold(conditions, bindings);
  if (!(holds instanceof Error)) return holds;
  if (hook.failurePolicy === "Ignore") return false;
  throw forbidden(request.resource.def, request.name, holds.message);
}

/**
 * Asks one webhook. Rejects with its refusal, or with 500 when it cannot be asked and its failurePolicy is Fail; answers
 * undefined when it cannot be asked and that does not matter.
 */
export async function askWebhook(
  client: ReviewClient,
  request: AdmissionRequest,
  called: Called,
  ignored: (name: string, error: Error) => void,
): Promise<ReviewAnswer | undefined> {
  const { hook } = called;
  if (hook.matchConditions?.length && !(await wanted(request, called))) return undefined;
  if (request.dryRun && hook.sideEffects !== "None" && hook.sideEffects !== "NoneOnDryRun")
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  const uid = newUid();
  let answer: ReturnType<typeof readAnswer>;
  try {
    const value = await client
      .post(hook.clientConfig as WebhookAddress, reviewOf(request, called, uid), hook.timeoutSeconds ?? 10)
      .catch((cause: Error) => {
        throw new WebhookCallError(`failed to call webhook: ${cause.message}`, { cause });
      });
    answer = readAnswer(value, uid);
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    const text = `failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`;
    if (hook.failurePolicy === "Ignore") {
      ignored(hook.name, error);
      return undefined;
    }
    throw new StatusError("InternalError", `Internal error occurred: ${text}`, {
      details: { causes: [{ message: text }] },
      cause: error,
    });
  }
  for (const text of answer.warnings) request.warnings.push(text);
  for (const [key, value] of Object.entries(answer.annotations))
    request.audit?.annotate(`${hook.name}/${key}`, String(value));
  if (!answer.allowed) throw denial(hook.name, answer.status);
  return answer;
}
