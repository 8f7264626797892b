/** ImageReview (imagepolicy.k8s.io/v1alpha1): the request for a pod, and the parsing of the answer. Pure. */
import type { Pod } from "../../../../api/index.ts";
import { reviewOfKind } from "../../../webhooks/review-object.ts";
import { field, reviewSchema } from "../../../webhooks/review-schema.ts";

export interface ImageReviewSpec {
  containers: { image?: string }[] | undefined;
  annotations: Record<string, string> | undefined;
  namespace: string;
}

export interface ImageReviewStatus {
  allowed?: boolean;
  reason?: string;
  auditAnnotations?: Record<string, string>;
}

const apiVersion = "imagepolicy.k8s.io/v1alpha1";
const kind = "ImageReview";

/** Annotations with this in their names are passed to the webhook. */
const forWebhook = ".image-policy.k8s.io/";

/** For ephemeral containers added to a running pod, only these are reviewed. */
export function specOf({ spec, metadata }: Pod, namespace: string, ephemeral: boolean): ImageReviewSpec {
  const containers: { image?: string }[] = ephemeral
    ? (spec?.ephemeralContainers ?? [])
    : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const annotations = Object.entries(metadata?.annotations ?? {}).filter(([key]) => key.includes(forWebhook));
  return {
    containers: containers.length > 0 ? containers.map(({ image }) => (image ? { image } : {})) : undefined,
    annotations: annotations.length > 0 ? Object.fromEntries(annotations) : undefined,
    namespace,
  };
}

/** As Go encodes it, with the empty status. */
export const reviewOf = (spec: ImageReviewSpec): object => ({
  kind,
  apiVersion,
  metadata: {},
  spec,
  status: { allowed: false },
});

/** The status of an answer. Throws a WebhookCallError when it is not an ImageReview. */
export const statusOf = (value: unknown): ImageReviewStatus =>
  reviewOfKind<{ status?: ImageReviewStatus | null }>(value, {
    apiVersion,
    kind,
    schema: reviewType,
    knows: (version, named) => version === "v1" && named === "Status",
  }).status ?? {};

const reviewType = reviewSchema(
  "io.k8s.api.imagepolicy.v1alpha1.ImageReview",
  {},
  {
    allowed: field("boolean"),
    reason: field("string"),
    auditAnnotations: { ...field("map"), element: field("string") },
  },
);
