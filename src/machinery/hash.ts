/** Short, stable hashes of objects for names and labels. */
import { safeAlphabet } from "./names.ts";

/** JSON with keys sorted at every level, so that equal objects give equal text. */
export function stableJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  const parts: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const item = (value as Record<string, unknown>)[name];
    if (item !== undefined) parts.push(`${JSON.stringify(name)}:${stableJson(item)}`);
  }
  return `{${parts.join(",")}}`;
}

/** 32-bit FNV-1a over UTF-16 units' two bytes. */
function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** A number in Kubernetes' safe alphabet, one letter per decimal digit, as its own hashes look. */
function safeEncode(value: number | string): string {
  return [...String(value)].map((digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join("");
}

/**
 * The `pod-template-hash` of a pod template. `collision` (a Deployment's status.collisionCount) gives another hash for
 * the same template. Defaulted and undefaulted templates differ; hash what the server stored.
 */
export function podTemplateHash(template: unknown, collision?: number): string {
  const text = stableJson(template) + (collision === undefined ? "" : `#${collision}`);
  return safeEncode(String(fnv32a(text)).padStart(9, "0"));
}
