/** Calls one webhook about one request. */
import { celReady } from "../../../api/index.ts";
import type { StatusError } from "../../../machinery/index.ts";
import type { Authorizer } from "../../auth-contract.ts";
import { badRequest, forbidden } from "../../errors.ts";
import { settled } from "../../pending.ts";
import { traceHeaders } from "../../tracing/trace-context.ts";
import { newUid } from "../../uid.ts";
import type { WebhookAddress } from "../../webhooks/address.ts";
import { WebhookCallError } from "../../webhooks/answers.ts";
import type { ReviewClient } from "../../webhooks/review-client.ts";
import { internal } from "../change.ts";
import type { AdmissionRequest } from "../chain.ts";
import { authorizerBindings } from "../policies/authorizer.ts";
import { bindingsOf, type Condition, conditionsHold, conditionsOf } from "../policies/expressions.ts";
import type { Called } from "./hooks.ts";
import { reviewOf } from "./review.ts";
import { denial, readVerdict, type ReviewVersion, type Verdict } from "./verdict.ts";

/** Compiled match conditions by webhook; a changed configuration has new webhook objects. */
const compiled = new WeakMap<Called["hook"], readonly Condition[]>();

/** Whether the webhook's match conditions hold. If one fails, failurePolicy Ignore skips the webhook; Fail rejects with 403. */
export async function wants(
  authorizer: Authorizer,
  { hook, resource }: Called,
  request: AdmissionRequest,
): Promise<boolean> {
  if (!hook.matchConditions?.length) return true;
  await celReady();
  const review = await settled(() => reviewOf(request, { resource }, ""));
  const { uid: _uid, object, oldObject, ...rest } = review.request;
  const bindings = {
    ...bindingsOf({ object, oldObject, request: rest, namespaceObject: null }),
    ...authorizerBindings(authorizer, request),
  };
  let conditions = compiled.get(hook);
  if (!conditions) {
    conditions = conditionsOf(hook.matchConditions, { params: false });
    compiled.set(hook, conditions);
  }
  const known = conditions;
  const holds = await settled(() => conditionsHold(known, bindings));
  if (!(holds instanceof Error)) return holds;
  if (hook.failurePolicy === "Ignore") return false;
  throw forbidden(request.resource.def, request.name, holds.message);
}

const reviewVersions: readonly ReviewVersion[] = ["v1", "v1beta1"];

/**
 * Calls the webhook. Rejects with a WebhookCallError, to which failurePolicy applies, when there is no usable answer, and with the
 * refusal when it refuses.
 */
export async function ask(
  client: ReviewClient,
  request: AdmissionRequest,
  { hook, resource, configuration }: Called,
  mutating: boolean,
): Promise<Verdict> {
  if (request.dryRun && hook.sideEffects !== "None" && hook.sideEffects !== "NoneOnDryRun")
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  const version = hook.admissionReviewVersions.find((each) =>
    reviewVersions.includes(each as ReviewVersion),
  ) as ReviewVersion | undefined;
  if (!version) {
    throw new WebhookCallError(
      "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
    );
  }
  const { deadline } = request;
  deadline?.check();
  const uid = newUid();
  const review = await settled(() => reviewOf(request, { resource }, uid, version));
  const { group, version: of, plural } = resource.def;
  const around = request.span?.child({
    name: `Call ${mutating ? "mutating" : "validating"} webhook`,
    kind: "internal",
    attributes: {
      configuration,
      webhook: hook.name,
      resource: `${group === "" ? "" : `${group}/`}${of}, Resource=${plural}`,
      subresource: request.subresource,
      operation: request.operation,
      UID: uid,
    },
  });
  const span = around?.child({
    name: "HTTP POST",
    kind: "client",
    attributes: { "http.request.method": "POST", webhook: hook.name },
  });
  const headers = span ? traceHeaders(span.context) : request.passedOn;
  const post = (): Promise<unknown> =>
    client.post(hook.clientConfig as WebhookAddress, review, hook.timeoutSeconds ?? 10, {
      deadline,
      headers,
      annotate: request.audit && ((key, text) => request.audit?.annotate(key, text)),
    });
  const value = await (around && span ? around.over(() => span.over(post)) : post()).catch((cause: Error) => {
    throw new WebhookCallError(`failed to call webhook: ${cause.message}`, { cause });
  });
  const verdict = readVerdict(value, { version, uid, mutating });
  for (const [key, text] of Object.entries(verdict.annotations))
    request.audit?.annotate(`${hook.name}/${key}`, text);
  request.warnings.push(...verdict.warnings);
  if (!verdict.allowed) throw denial(hook.name, verdict.status);
  return verdict;
}

/** The error when a webhook with failurePolicy Fail could not be called. */
export function uncalled({ hook }: Called, cause: WebhookCallError): StatusError {
  const text = `failed calling webhook ${JSON.stringify(hook.name)}: ${cause.message}`;
  return internal(text, cause);
}
