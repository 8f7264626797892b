import { notAcceptable } from "../errors.ts";

/** What the client wants to get. */
export interface Target {
  format: "json" | "yaml";
  /** `meta.k8s.io` transformation. */
  as: "object" | "table" | "partial" | "partialList";
  /** Version of the transformation: v1 or v1beta1. */
  asVersion: string;
  pretty: boolean;
}

interface MediaRange {
  type: string;
  parameters: Record<string, string>;
}

const cache = new Map<string, readonly MediaRange[]>();

/** An Accept header's ranges in the order the client prefers them. */
export function parseAccept(header: string): readonly MediaRange[] {
  const known = cache.get(header);
  if (known) return known;
  const ranges = header.split(",").map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters: Record<string, string> = {};
    for (const piece of rest) {
      const equals = piece.indexOf("=");
      if (equals > 0) parameters[piece.slice(0, equals).toLowerCase()] = piece.slice(equals + 1);
    }
    return { type: type.toLowerCase(), parameters };
  });
  const quality = (range: MediaRange): number => Number(range.parameters.q ?? "1");
  // A stable sort keeps the client's order among equals.
  const sorted = ranges.toSorted((a, b) => quality(b) - quality(a));
  if (cache.size > 500) cache.clear();
  cache.set(header, sorted);
  return sorted;
}

const transformations: Record<string, Target["as"]> = {
  Table: "table",
  PartialObjectMetadata: "partial",
  PartialObjectMetadataList: "partialList",
};

/** Chooses what to answer; throws 406 when nothing fits. `allowed`: the transformations this endpoint has. */
export function negotiate(
  accept: string | undefined,
  pretty: boolean,
  allowed: readonly Target["as"][] = ["object"],
): Target {
  const plain: Target = { format: "json", as: "object", asVersion: "", pretty };
  if (!accept) return plain;
  for (const { type, parameters } of parseAccept(accept)) {
    let format: Target["format"] | undefined;
    if (type === "application/json" || type === "*/*" || type === "application/*") format = "json";
    else if (type === "application/yaml") format = "yaml";
    if (!format) continue;
    if (parameters.as === undefined) return { ...plain, format };
    const as = transformations[parameters.as];
    if (!as || !allowed.includes(as) || (parameters.g ?? "") !== "meta.k8s.io") continue;
    if (parameters.v !== "v1" && parameters.v !== "v1beta1") continue;
    return { format, as, asVersion: parameters.v, pretty };
  }
  throw notAcceptable(accept, allowed.includes("partialList"));
}

/** Programs that show JSON to people get it indented, as Kubernetes does. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get("pretty");
  if (asked !== null) return asked !== "0" && asked !== "false";
  return userAgent !== undefined && /^(curl|Wget|Mozilla)/.test(userAgent);
}
