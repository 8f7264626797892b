/** Converts custom resources between versions with the definition's webhook. */
import type { CustomResourceDefinitionSpec, KubeObject } from "../../api/index.ts";
import { stringifyExact } from "../../machinery/index.ts";
import { traceHeaders } from "../tracing/trace-context.ts";
import type { Tracer } from "../tracing/tracer.ts";
import { newUid } from "../uid.ts";
import type { ConversionFailure, Converted } from "../metrics/conversion.ts";
import type { WebhookAddress } from "../webhooks/address.ts";
import { WebhookCallError } from "../webhooks/answers.ts";
import type { ReviewClient } from "../webhooks/review-client.ts";
import { acceptConverted, kindOf } from "./converted-object.ts";
import { ConversionError, conversionReview, convertedObjects, reviewVersion } from "./review.ts";

/** The webhook's configuration in a definition. */
export interface ConversionWebhook {
  address: WebhookAddress;
  /** `conversionReviewVersions` */
  reviewVersions: readonly string[];
  /** Every version of the definition, served or not: `example.com/v1`. */
  apiVersions: ReadonlySet<string>;
}

/** The conversion webhook of a definition, if any. */
export function conversionWebhook(spec: CustomResourceDefinitionSpec): ConversionWebhook | undefined {
  const { strategy, webhook } = spec.conversion ?? {};
  if (strategy !== "Webhook" || !webhook) return undefined;
  const { caBundle = "", url, service } = webhook.clientConfig ?? {};
  // A blank bundle counts as absent.
  const bundle = Buffer.from(caBundle, "base64").toString().trim() === "" ? "" : caBundle;
  return {
    address: {
      ...(bundle === "" ? {} : { caBundle: bundle }),
      ...(url === undefined ? {} : { url }),
      ...(service === undefined ? {} : { service }),
    },
    reviewVersions: webhook.conversionReviewVersions,
    apiVersions: new Set(spec.versions.map(({ name }) => `${spec.group}/${name}`)),
  };
}

/** Timeout of a conversion in seconds, which the webhook gets as `?timeout=30s`. */
const timeoutSeconds = 30;
/** Size limit of a review, unless a single object is larger: webhooks limit their bodies. */
const maxObjects = 128;
const maxBytes = 64 * 1024;
/** Concurrent reviews of one list. */
const maxReviews = 4;

/** Called for every review that was sent. */
export interface ConversionWatch {
  /** Monotonic clock, in milliseconds. */
  now(): number;
  converted(conversion: Omit<Converted, "name">): void;
}

export class Converter {
  readonly #client: ReviewClient;
  readonly #webhook: ConversionWebhook;

  readonly #watch: ConversionWatch | undefined;
  readonly #tracer: Tracer | undefined;

  /** `tracer`: reviews are shared by requests, so each begins a trace of its own. */
  constructor(client: ReviewClient, webhook: ConversionWebhook, watch?: ConversionWatch, tracer?: Tracer) {
    this.#tracer = tracer;
    this.#client = client;
    this.#webhook = webhook;
    this.#watch = watch;
  }

  /**
   * Converts the objects, in order, into copies; those in the version already are returned as they are. Rejects with
   * ConversionError.
   */
  async convert(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const results = objects.slice();
    const batches: number[][] = [];
    for (const indexes of this.#bySource(objects, apiVersion))
      batches.push(...portions(indexes, (i) => objects[i] as KubeObject));
    const work = async (): Promise<void> => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const converted = await this.#ask(
          batch.map((i) => objects[i] as KubeObject),
          apiVersion,
        );
        batch.forEach((i, at) => {
          results[i] = converted[at] as KubeObject;
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(maxReviews, batches.length) }, work));
    return results;
  }

  /** Indexes of the objects to convert, by version. */
  #bySource(objects: readonly KubeObject[], apiVersion: string): Iterable<number[]> {
    const { apiVersions } = this.#webhook;
    const groups = new Map<string, number[]>();
    for (const [i, object] of objects.entries()) {
      const source = object.apiVersion ?? "";
      if (source === apiVersion) continue;
      if (!apiVersions.has(source))
        throw new ConversionError(`request to convert CR from an invalid group/version: ${source}`, false);
      if (!apiVersions.has(apiVersion))
        throw new ConversionError(`request to convert CR to an invalid group/version: ${apiVersion}`, false);
      const known = groups.get(source);
      if (known) known.push(i);
      else groups.set(source, [i]);
    }
    return groups.values();
  }

  /** Objects of one version. When the webhook fails for several at once, they are sent one by one, as in Kubernetes. */
  async #ask(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    try {
      return await this.#review(objects, apiVersion);
    } catch (error) {
      if (objects.length === 1 || !(error instanceof ConversionError) || !error.answered) throw error;
    }
    const results: KubeObject[] = [];
    for (const object of objects) results.push(...(await this.#review([object], apiVersion)));
    return results;
  }

  async #review(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const began = this.#watch?.now() ?? 0;
    /** The failure if an error occurs here. */
    let failure: ConversionFailure = "conversion_webhook_call_failure";
    try {
      const converted = await this.#exchange(objects, apiVersion, (next) => (failure = next));
      failure = "";
      return converted;
    } finally {
      const ms = (this.#watch?.now() ?? 0) - began;
      this.#watch?.converted({ from: objects[0]?.apiVersion ?? "", to: apiVersion, failure, ms });
    }
  }

  async #exchange(
    objects: readonly KubeObject[],
    apiVersion: string,
    reached: (failure: ConversionFailure) => void,
  ): Promise<KubeObject[]> {
    const { address, reviewVersions } = this.#webhook;
    const by = `conversion webhook for ${kindOf(objects[0] as KubeObject)}`;
    const version = reviewVersion(reviewVersions);
    const uid = newUid();
    const bare = objects.map(withoutResourceVersion);
    let answer: unknown;
    try {
      const review = conversionReview(version, uid, apiVersion, bare);
      const span = this.#tracer?.begin(
        { name: "HTTP POST", kind: "client", attributes: { "http.request.method": "POST" } },
        undefined,
        false,
      );
      const headers = span && traceHeaders(span.context);
      const post = (): Promise<unknown> => this.#client.post(address, review, timeoutSeconds, { headers });
      answer = await (span ? span.over(post) : post());
    } catch (cause) {
      if (!(cause instanceof WebhookCallError)) throw cause;
      throw new ConversionError(`${by} failed: ${cause.message}`, false, cause);
    }
    reached("conversion_webhook_malformed_response_failure");
    let values: readonly unknown[];
    try {
      values = convertedObjects(answer, version, uid);
    } catch (cause) {
      throw new ConversionError(`${by} failed: ${(cause as Error).message}`, true, cause);
    }
    reached("conversion_webhook_partial_response_failure");
    if (values.length !== objects.length)
      throw new ConversionError(`${by} returned ${values.length} objects, expected ${objects.length}`, true);
    reached("conversion_webhook_invalid_converted_object_failure");
    try {
      return bare.map((object, i) => {
        const converted = acceptConverted(object, values[i], apiVersion, by);
        const { resourceVersion } = objects[i]?.metadata ?? {};
        if (converted.metadata && resourceVersion !== undefined)
          converted.metadata.resourceVersion = resourceVersion;
        return converted;
      });
    } catch (cause) {
      throw new ConversionError((cause as Error).message, true, cause);
    }
  }
}

/** Webhooks get objects as they are stored. */
function withoutResourceVersion(object: KubeObject): KubeObject {
  if (object.metadata?.resourceVersion === undefined) return object;
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function portions(indexes: readonly number[], object: (index: number) => KubeObject): number[][] {
  const result: number[][] = [];
  let current: number[] = [];
  let bytes = 0;
  for (const index of indexes) {
    const size = stringifyExact(object(index)).length;
    if (current.length > 0 && (current.length === maxObjects || bytes + size > maxBytes)) {
      result.push(current);
      current = [];
      bytes = 0;
    }
    current.push(index);
    bytes += size;
  }
  if (current.length > 0) result.push(current);
  return result;
}
