import type { ApiTransport } from "../../client/index.ts";
import { createClient } from "../../client/index.ts";
import { systemClock } from "../../machinery/index.ts";
import { type Applied, applyManifests, label } from "./apply.ts";
import type { Manifest } from "./manifest.ts";
import { candidates, firstThatAnswers } from "./reach.ts";
import { waitUntilReady } from "./wait.ts";

export type { Applied } from "./apply.ts";
export { type Manifest, manifestsOf } from "./manifest.ts";

export interface ApplyOptions {
  api: ApiTransport;
  manifests: readonly Manifest[];
  /** False for simulated nodes: nothing there gets an external address or answers. Default true. */
  reachable?: boolean;
  /** Default 180 s. */
  timeoutMs?: number;
  onProgress?(text: string): void;
  signal?: AbortSignal;
}

export interface ApplyResult {
  applied: Applied[];
  /** The first Service or Ingress of the manifests that answers over HTTP. */
  url: string | undefined;
}

const reachMs = 10_000;

/** Applies manifests, waits until everything serves, and finds out where to reach it. Errors are ClusterErrors with a sentence. */
export async function applyAndWait(options: ApplyOptions): Promise<ApplyResult> {
  const { api, signal } = options;
  const progress = options.onProgress ?? (() => {});
  const applied = await applyManifests(api, options.manifests);
  for (const { object, outcome } of applied)
    if (outcome !== "unchanged") progress(`${label(object)} ${outcome}`);
  const client = createClient(api, { userAgent: "wherry-up" });
  // The answer to a write names neither kind nor version in every case; the manifest does.
  const objects = options.manifests.map((manifest) => manifest.object);
  await waitUntilReady(objects, {
    client,
    clock: systemClock,
    timeoutMs: options.timeoutMs ?? 180_000,
    onProgress: progress,
    reachable: options.reachable ?? true,
    ...(signal ? { signal } : {}),
  });
  if (options.reachable === false) return { applied, url: undefined };
  const urls = await candidates(client, objects);
  return { applied, url: await firstThatAnswers(urls, systemClock, reachMs, signal) };
}
