import type { ApiTransport } from "../../client/index.ts";
import { createClient } from "../../client/index.ts";
import { systemClock } from "../../machinery/index.ts";
import { type Applied, applyManifests, type BuiltFor, label } from "./apply.ts";
import type { Manifest } from "./manifest.ts";
import { candidates, firstThatAnswers } from "./reach.ts";
import { waitUntilReady } from "./wait.ts";

export type { Applied, BuiltFor } from "./apply.ts";
export type { Manifest } from "./manifest.ts";

export interface ApplyOptions {
  api: ApiTransport;
  manifests: readonly Manifest[];
  /** Built images: pods with an older build are replaced. */
  images?: readonly BuiltFor[];
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

/** Applies manifests, waits until everything is ready, and finds its URL. Errors are ClusterErrors with a sentence. */
export async function applyAndWait(options: ApplyOptions): Promise<ApplyResult> {
  const { api, signal } = options;
  const progress = options.onProgress ?? (() => {});
  const applied = await applyManifests(api, options.manifests, options.images);
  for (const { object, outcome } of applied)
    if (outcome !== "unchanged") progress(`${label(object)} ${outcome}`);
  const client = createClient(api, { userAgent: "wherry-up" });
  // Simulated containers have neither external addresses nor answers.
  const { items: nodes } = await client.nodes.list(undefined, {});
  const reachable = nodes.some(
    (node) => !node.status?.nodeInfo?.containerRuntimeVersion?.startsWith("simulated:"),
  );
  // Answers of writes may lack kind and version; the manifest has them.
  const objects = options.manifests.map((manifest) => manifest.object);
  await waitUntilReady(objects, {
    client,
    clock: systemClock,
    timeoutMs: options.timeoutMs ?? 180_000,
    onProgress: progress,
    reachable,
    ...(signal ? { signal } : {}),
  });
  if (!reachable) return { applied, url: undefined };
  const urls = await candidates(client, objects);
  return { applied, url: await firstThatAnswers(urls, systemClock, reachMs, signal) };
}
