import { createHash } from "node:crypto";
import type { KubeObject, PodSpec } from "../../api/index.ts";

/** On a pod template: what the images were that `wherry up -f` built for it, so that a changed image is a rollout. */
export const builtImagesAnnotation = "wherry.dev/built-images";

interface Templated extends KubeObject {
  spec?: { template?: { metadata?: { annotations?: Record<string, string> }; spec?: PodSpec } };
}

/**
 * The object with its pod template marked by the images that were built for it; the same object when none was. The name
 * of an image stays the same when its content changes, so without the mark nothing would move.
 */
export function withBuiltImages<T extends KubeObject>(
  object: T,
  built: readonly { image: string; id: string }[],
): T {
  const template = (object as Templated).spec?.template;
  const used = new Set(
    [...(template?.spec?.containers ?? []), ...(template?.spec?.initContainers ?? [])].map((c) => c.image),
  );
  const ids = built.filter(({ image }) => used.has(image)).map(({ image, id }) => `${image}=${id}`);
  if (!template || ids.length === 0) return object;
  const mark = createHash("sha256").update(ids.sort().join("\n")).digest("hex").slice(0, 16);
  const { spec } = object as Templated;
  const annotations = { ...template.metadata?.annotations, [builtImagesAnnotation]: mark };
  return {
    ...object,
    spec: { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  };
}
