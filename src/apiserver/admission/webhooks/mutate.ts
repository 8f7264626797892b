/** Calls mutating webhooks one after the other; each sees the changes of those before. */
import type { KubeObject } from "../../../api/index.ts";
import {
  applyJsonPatch,
  deepEqual,
  isObject,
  type JsonPatchOperation,
  PatchError,
  jsonProblem,
  StatusError,
  stableJson,
  surveyJson,
} from "../../../machinery/index.ts";
import type { Authorizer } from "../../auth-contract.ts";
import { notRegistered } from "../../codec/type-meta.ts";
import { invalid } from "../../errors.ts";
import { maxDepth, WebhookCallError } from "../../webhooks/answers.ts";
import { settled } from "../../pending.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { ReviewClient } from "../../webhooks/review-client.ts";
import { conformed, internal, isOwnKind, takeOver, viewed } from "../change.ts";
import type { AdmissionRequest } from "../chain.ts";
import { Memory } from "../reinvocation.ts";
import { ask, uncalled, wants } from "./ask.ts";
import type { Called } from "./hooks.ts";
import { patchAnnotation } from "./annotations.ts";
import type { Verdict } from "./verdict.ts";
import type { HookWatch } from "./watch-hook.ts";

/** Dependencies of the calls. */
export interface Asking {
  client: ReviewClient;
  authorizer: Authorizer;
  registry: Registry;
  /** The webhook's selectors, on the request as it is now. */
  selects(called: Called, request: AdmissionRequest): boolean;
  watch: HookWatch;
  /** Called for failures of webhooks with failurePolicy Ignore. */
  ignored(called: Called, error: Error): void;
}

export async function mutate(
  asking: Asking,
  request: AdmissionRequest,
  called: readonly Called[],
): Promise<void> {
  const memory = Memory.of(request, "MutatingAdmissionWebhook");
  const { reinvocation, audit } = request;
  memory.begin(request);
  let patched = false;
  for (const each of called) {
    if (
      !asking.selects(each, request) ||
      !(await wants(asking.authorizer, each, request)) ||
      !memory.mayAsk(each.id, request)
    )
      continue;
    const { hook, configuration, index } = each;
    const place = `round_${reinvocation.again ? 1 : 0}_index_${index}`;
    let mutated = false;
    let failure: WebhookCallError | undefined;
    try {
      mutated = await asking.watch.over(each, request, () => askAndChange(asking, request, each, place));
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      failure = error;
    } finally {
      audit?.annotate(
        `mutation.webhook.admission.k8s.io/${place}`,
        JSON.stringify({ configuration, webhook: hook.name, mutated }),
      );
    }
    patched ||= mutated;
    if (mutated) memory.changed(request);
    if (hook.reinvocationPolicy === "IfNeeded") memory.asked(each.id);
    if (!failure) continue;
    if (hook.failurePolicy !== "Ignore") throw uncalled(each, failure);
    audit?.annotate(`failed-open.mutation.webhook.admission.k8s.io/${place}`, hook.name);
    asking.ignored(each, failure);
    asking.watch.failedOpen(each);
  }
  if (patched) await prune(request);
  memory.end(request);
}

/** Prunes a custom resource. */
async function prune(request: AdmissionRequest): Promise<void> {
  const { object, resource } = request;
  if (!object || !resource.def.type || !isOwnKind(request)) return;
  const view = structuredClone(await settled(() => viewed(request, object, resource)));
  const { problem } = conformed(request, resource, view);
  if (problem) throw internal(problem);
  await takeOver(request, object, resource, view);
}

/** True when the webhook changed the object. */
async function askAndChange(
  { client, registry }: Asking,
  request: AdmissionRequest,
  called: Called,
  place: string,
): Promise<boolean> {
  const { hook } = called;
  const verdict = await ask(client, request, called, true);
  const operations = operationsOf(verdict);
  if (operations.length === 0) return false;
  if (!request.object) {
    const name = JSON.stringify(hook.name);
    throw internal(
      `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (verdict.patchType !== "JSONPatch")
    throw new WebhookCallError(`unsupported patch type ${JSON.stringify(verdict.patchType)}`);
  const changed = await applyTo(request, request.object, called, operations, registry);
  request.audit?.annotateBody(`patch.webhook.admission.k8s.io/${place}`, patchAnnotation(called, operations));
  return changed;
}

function operationsOf({ patch }: Verdict): JsonPatchOperation[] {
  if (patch === undefined) return [];
  const undecodable = (why: string, cause?: unknown): WebhookCallError =>
    new WebhookCallError(`received undecodable patch in webhook response: ${why}`, { cause });
  let value: unknown;
  if (surveyJson(patch).depth > maxDepth) throw undecodable("exceeded max depth");
  try {
    value = JSON.parse(patch);
  } catch (cause) {
    throw undecodable(jsonProblem(patch), cause);
  }
  if (value === null) return [];
  if (!Array.isArray(value) || !value.every((each) => each === null || isObject(each))) {
    const odd = Array.isArray(value) ? value.find((each) => each !== null && !isObject(each)) : value;
    const what = Array.isArray(odd) ? "array" : typeof odd === "boolean" ? "bool" : typeof odd;
    const into = Array.isArray(value) ? "jsonpatch.Operation" : "jsonpatch.Patch";
    throw undecodable(`json: cannot unmarshal ${what} into Go value of type ${into}`);
  }
  return value as JsonPatchOperation[];
}

/** Patches the object in place, in the version that the webhook was shown. True when it changed. */
async function applyTo(
  request: AdmissionRequest,
  object: KubeObject,
  { resource }: Called,
  operations: JsonPatchOperation[],
  registry: Registry,
): Promise<boolean> {
  const { def } = resource;
  const before = await settled(() => viewed(request, object, resource));
  let patched: unknown;
  try {
    patched = applyJsonPatch(structuredClone(before), operations);
  } catch (cause) {
    if (!(cause instanceof PatchError)) throw cause;
    throw internal(cause.message, cause);
  }
  const next = patched as KubeObject;
  if (isOwnKind(request)) checkKind(next, resource, registry);
  // A custom resource is pruned after all webhooks.
  if (!def.type) {
    const { problem } = conformed(request, resource, next);
    if (problem) throw internal(problem);
  }
  const changed = !deepEqual(next, before);
  await takeOver(request, object, resource, next);
  return changed;
}

/** A webhook may not change the kind of the object. */
function checkKind(next: KubeObject, resource: ServedResource, registry: Registry): void {
  const { def, apiVersion } = resource;
  if (def.type) {
    checkCustomKind(next, resource, registry);
    return;
  }
  const { kind = def.kind, apiVersion: version = apiVersion } = next;
  if (kind === def.kind && version === apiVersion) return;
  if (!registry.knows(version, kind, def.group)) throw internal(notRegistered(kind, version));
  const short = version.slice(version.indexOf("/") + 1);
  const group = def.group === "" ? "core" : def.group.split(".")[0];
  throw internal(`converting (${short}.${kind}) to (${group}.${def.kind}): unknown conversion`);
}

function checkCustomKind(next: KubeObject, { def }: ServedResource, registry: Registry): void {
  if (!next.kind) throw internal(`Object 'Kind' is missing in '${stableJson(next)}'`);
  if (next.kind !== def.kind) throw wrongKind(def, next);
  const [group, version = ""] = (next.apiVersion ?? "").split("/");
  if (group === def.group && registry.find(def.group, version, def.plural)) return;
  const why = `request to convert CR from an invalid group/version: ${next.apiVersion ?? ""}`;
  throw new StatusError("", why, { code: 500 });
}

function wrongKind(
  { group, kind }: ServedResource["def"],
  { kind: given, metadata }: KubeObject,
): StatusError {
  const named = { group, kind: given as string, plural: "" };
  const message = `Invalid value: ${JSON.stringify(given)}: must be ${kind}`;
  return invalid(named, metadata?.name ?? "", [{ reason: "FieldValueInvalid", field: "kind", message }]);
}
