/** MutatingAdmissionWebhook and ValidatingAdmissionWebhook. */
import { conform, type KubeObject } from "../../../api/index.ts";
import {
  applyJsonPatch,
  deepEqual,
  isObject,
  type JsonPatchOperation,
  PatchError,
  StatusError,
} from "../../../machinery/index.ts";
import { ReviewClient } from "../../webhooks/review-client.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { type Called, Hooks } from "./hooks.ts";
import { askWebhook } from "./review.ts";

export function admissionWebhooks(
  context: PluginContext,
): [mutating: AdmissionPlugin, validating: AdmissionPlugin] {
  const { caches, registry, log, random } = context;
  const client = new ReviewClient(caches, random);
  const mutating = new Hooks(caches, registry, "mutatingwebhookconfigurations");
  const validating = new Hooks(caches, registry, "validatingwebhookconfigurations");
  const ignored = (webhook: string, error: Error): void =>
    log.warn("a webhook that may fail was not reached", { webhook, error: error.message });
  return [
    {
      name: "MutatingAdmissionWebhook",
      connects: true,
      admit(request) {
        const called = mutating.of(request);
        if (called.length === 0) return undefined;
        const selects = (each: Called): boolean => mutating.selects(each, request);
        return mutate(client, request, called, selects, ignored);
      },
    },
    {
      name: "ValidatingAdmissionWebhook",
      connects: true,
      validate(request) {
        const called = validating.of(request).filter((each) => validating.selects(each, request));
        if (called.length === 0) return undefined;
        return Promise.all(called.map((each) => askWebhook(client, request, each, ignored))).then(() => {});
      },
    },
  ];
}

type Ignored = (webhook: string, error: Error) => void;

/** One after the other; who asked for it is called again when somebody changed the object after it. */
async function mutate(
  client: ReviewClient,
  request: AdmissionRequest,
  called: readonly Called[],
  selects: (called: Called) => boolean,
  ignored: Ignored,
): Promise<void> {
  let again: Called[] = [];
  for (const each of called) {
    if (!selects(each)) continue;
    if (!(await ask(client, request, each, ignored))) continue;
    // Whoever was asked before has not seen this change.
    again = called
      .slice(0, called.indexOf(each))
      .filter(({ hook }) => hook.reinvocationPolicy === "IfNeeded");
  }
  for (const each of again) if (selects(each)) await ask(client, request, each, ignored);
}

/** True when the webhook changed the object. */
async function ask(
  client: ReviewClient,
  request: AdmissionRequest,
  called: Called,
  ignored: Ignored,
): Promise<boolean> {
  const answer = await askWebhook(client, request, called, ignored);
  if (!answer?.patch || !request.object) return false;
  const name = JSON.stringify(called.hook.name);
  const { resource } = called;
  const { def } = resource;
  const whole =
    request.object.kind === undefined || [def.kind, resource.storedKind].includes(request.object.kind);
  const before =
    whole && def.storedAs
      ? resource.shown(request.object)
      : { ...request.object, ...(whole ? { kind: def.kind, apiVersion: resource.apiVersion } : {}) };
  let patched: unknown;
  try {
    patched = applyJsonPatch(before, JSON.parse(answer.patch) as JsonPatchOperation[]);
  } catch (cause) {
    if (!(cause instanceof PatchError) && !(cause instanceof SyntaxError)) throw cause;
    throw failed(name, cause.message, cause);
  }
  if (!isObject(patched)) throw failed(name, "the patched object is none");
  const next = patched as KubeObject;
  if (whole) {
    const { problem } = def.conform?.(next) ?? conform(def.schema, next);
    if (problem) throw failed(name, problem);
    // Stored spelling is what the plugins behind and the store work with; what was added gets its defaults.
    def.storedAs?.toStored(next);
    def.defaults?.(next);
  }
  next.kind = request.object.kind as string;
  next.apiVersion = request.object.apiVersion as string;
  if (deepEqual(next, request.object)) return false;
  replace(request.object, next);
  return true;
}

const failed = (name: string, why: string, cause?: unknown): StatusError => {
  const text = `failed calling webhook ${name}: ${why}`;
  return new StatusError("InternalError", `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
    cause,
  });
};

/** In place: whoever began this write holds on to the object and to its metadata. */
function replace(object: KubeObject, next: KubeObject): void {
  const { metadata } = object;
  for (const member of Object.keys(object)) delete (object as Record<string, unknown>)[member];
  Object.assign(object, next);
  if (!metadata || !next.metadata) return;
  for (const member of Object.keys(metadata)) delete (metadata as Record<string, unknown>)[member];
  object.metadata = Object.assign(metadata, next.metadata);
}
