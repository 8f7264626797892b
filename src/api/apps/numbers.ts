/**
 * Fields of versions before apps/v1 that are annotations now: 64-bit numbers, which must be valid, are written in canonical
 * form, and count as fields for the generation.
 */
import type { KubeObject } from "../meta.ts";

export const templateGeneration = "deprecated.daemonset.template.generation";
export const rollbackTo = "deprecated.deployment.rollback.to";

/** The error of Go's strconv.ParseInt; undefined for a number. */
function problemOf(text: string): string | undefined {
  const quoted = JSON.stringify(text);
  if (!/^[+-]?\d+$/.test(text)) return `strconv.ParseInt: parsing ${quoted}: invalid syntax`;
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text))
    return `strconv.ParseInt: parsing ${quoted}: value out of range`;
  return undefined;
}

/** The error for the annotation of a DaemonSet. */
export function templateGenerationProblem({ metadata }: KubeObject): string | undefined {
  const text = metadata?.annotations?.[templateGeneration];
  return typeof text === "string" ? problemOf(text) : undefined;
}

/** The error for the annotation of a Deployment; an empty one is ignored. */
export function rollbackProblem({ metadata }: KubeObject): string | undefined {
  const text = metadata?.annotations?.[rollbackTo];
  const problem = typeof text === "string" && text !== "" ? problemOf(text) : undefined;
  return problem && `failed to parse annotation[${rollbackTo}]=${text} as int64: ${problem}`;
}

/** The number, which must be valid; undefined when there is none. */
export function numberIn({ metadata }: KubeObject, name: string): bigint | undefined {
  const text = metadata?.annotations?.[name];
  return text ? BigInt(text.replace(/^\+/, "")) : undefined;
}

/** The number in canonical form; `or` when there is none. */
export function keepNumber(object: KubeObject, name: string, or?: bigint): void {
  writeNumber(object, name, numberIn(object, name) ?? or);
}

export function writeNumber(object: KubeObject, name: string, value: bigint | undefined): void {
  const { metadata } = object;
  if (!metadata) return;
  if (value !== undefined) metadata.annotations = { ...metadata.annotations, [name]: String(value) };
  else if (metadata.annotations && name in metadata.annotations) {
    delete metadata.annotations[name];
    if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
  }
}
