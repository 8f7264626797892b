/** Pods created from one template. */
import { deepClone } from "../../../machinery/index.ts";
import type { Container, Pod, PodSpec } from "../../generated/types.ts";

/** Container fields that are final after defaulting: neither admission nor preparation changes them. */
const settled = new Set<string>([
  "args",
  "command",
  "env",
  "envFrom",
  "livenessProbe",
  "ports",
  "readinessProbe",
  "startupProbe",
] satisfies (keyof Container)[]);

const ownContainer = (container: Container): Container =>
  copied(container, (value, name) => (settled.has(name) ? value : deepClone(value)));

/** A copy with the same order of members. */
function copied<T extends object>(object: T, copy: (value: unknown, name: string) => unknown): T {
  const members = { ...object } as Record<string, unknown>;
  for (const name in members) members[name] = copy(members[name], name);
  return members as T;
}

/** A pod with the template's content. It shares most of its containers. */
export const podFromTemplate = (template: Pod): Pod =>
  copied(template, (part, name) => (name === "spec" ? ownSpec(part as PodSpec) : deepClone(part)));

const ownSpec = (spec: PodSpec): PodSpec =>
  copied(spec, (value, name) =>
    name === "containers" || name === "initContainers"
      ? (value as Container[]).map(ownContainer)
      : deepClone(value),
  );
