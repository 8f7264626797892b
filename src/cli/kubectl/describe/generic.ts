import type { KubeObject } from "../../../api/index.ts";
import { Writer } from "./writer.ts";

/** Any kind: its fields in words, `containerPort` as `Container Port`. */
export function describeGeneric(object: KubeObject): Writer {
  const out = new Writer();
  const { metadata = {}, ...rest } = object as KubeObject & Record<string, unknown>;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace ?? "");
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  const { managedFields: _, labels: __, annotations: ___, name: ____, namespace: _____, ...meta } = metadata;
  for (const [key, value] of byName({ ...rest, metadata: meta })) writeValue(out, 0, title(key), value);
  return out;
}

/** ConfigMaps and Secrets: of a Secret's values only the size is shown. */
export function describeData(
  object: KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string>; type?: string },
): Writer {
  const out = new Writer();
  const metadata = object.metadata ?? {};
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  const secret = object.kind === "Secret";
  if (secret) out.line(0, "").field(0, "Type", object.type ?? "");
  out.line(0, "").line(0, "Data").line(0, "====");
  for (const [key, value] of Object.entries(object.data ?? {}).sort()) {
    if (secret) out.line(0, `${key}:  ${Buffer.from(value, "base64").length} bytes`);
    else {
      out.line(0, `${key}:`).line(0, "----");
      for (const text of value.split("\n")) out.line(0, text);
      out.line(0, "");
    }
  }
  if (!secret) {
    out.line(0, "").line(0, "BinaryData").line(0, "====");
    for (const [key, value] of Object.entries(object.binaryData ?? {}))
      out.line(0, `${key}: ${Buffer.from(value, "base64").length} bytes`);
    out.line(0, "");
  }
  return out;
}

function writeValue(out: Writer, depth: number, label: string, value: unknown): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    if (value.length === 0) return;
    out.line(depth, `${label}:`);
    for (const item of value) {
      if (item !== null && typeof item === "object") {
        for (const [key, inner] of byName(item)) writeValue(out, depth + 1, title(key), inner);
      } else out.line(depth + 1, String(item));
    }
  } else if (typeof value === "object") {
    out.line(depth, `${label}:`);
    for (const [key, inner] of byName(value)) writeValue(out, depth + 1, title(key), inner);
  } else out.field(depth, label, String(value));
}

const byName = (object: object): [string, unknown][] =>
  Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

const title = (key: string): string =>
  /[^a-zA-Z-]/.test(key)
    ? key
    : key
        .replace(/^./, (first) => first.toUpperCase())
        .replace(/([a-z])([A-Z])/g, "$1 $2")
        .replace(/\b(Api|Url|Uid|Guid)\b/g, (word) => word.toUpperCase());
