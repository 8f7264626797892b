/** Warnings for unqualified finalizers of custom resources. */
import { isQualifiedName } from "../../machinery/index.ts";
import type { KubeObject } from "../meta.ts";

const standard = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

export function finalizerWarnings(object: KubeObject, old?: KubeObject): string[] {
  const before = old?.metadata?.finalizers ?? [];
  const added = (object.metadata?.finalizers ?? []).filter((name) => !before.includes(name));
  return [...new Set(added)].sort().flatMap((name) => {
    const head = `metadata.finalizers: ${JSON.stringify(name)}: `;
    const texts = isQualifiedName(name).map((text) => head + text);
    if (name.includes("/") || standard.has(name)) return texts;
    const path = name.includes(".") ? " including a path (/)" : "";
    return [
      ...texts,
      `${head}prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}
