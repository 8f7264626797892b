import type { KindDefinition } from "../../api/index.ts";
import { notAcceptable } from "../errors.ts";

/** The form of an answer. */
export interface Target {
  format: "json" | "yaml" | "protobuf";
  /** `meta.k8s.io` transformation. */
  as: "object" | "table" | "partial" | "partialList";
  /** Version of the transformation: v1 or v1beta1. */
  asVersion: string;
  pretty: boolean;
}

/** The forms that an endpoint supports. */
export interface Offer {
  /** PartialObjectMetadata. */
  partial: boolean;
  /** Tables. */
  tables: boolean;
  /** False for kinds without protobuf (custom resources). */
  protobuf: boolean;
  /** Stream types are listed in its 406. */
  streams: boolean;
  /** Plain text is listed in its 406 although answers are never negotiated as text (logs). */
  text: boolean;
  /** Accepts `application/*`; else a type must be named or any type be accepted. */
  families: boolean;
}

/** Documents and errors: no transformations. */
export const plainOffer: Offer = {
  partial: false,
  tables: false,
  protobuf: true,
  streams: false,
  text: false,
  families: false,
};

/** True for kinds that have a protobuf message. */
export const hasProtobuf = (def: Pick<KindDefinition, "schema" | "type">): boolean =>
  def.schema !== undefined && def.type === undefined;

interface MediaRange {
  type: string;
  parameters: Record<string, string>;
}

const cache = new Map<string, readonly MediaRange[]>();

/** Headers may be a mebibyte long: limits the ranges that are parsed, and the length of headers that are remembered. */
const maxRanges = 1000;
const maxRemembered = 1024;

/** The ranges of an Accept header by preference; a named type comes before `*`. */
export function parseAccept(header: string): readonly MediaRange[] {
  const known = cache.get(header);
  if (known) return known;
  const ranges = header.split(",", maxRanges).map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters: Record<string, string> = {};
    for (const piece of rest) {
      const equals = piece.indexOf("=");
      if (equals > 0) parameters[piece.slice(0, equals)] = piece.slice(equals + 1);
    }
    return { type, parameters };
  });
  const quality = (range: MediaRange): number => Number(range.parameters.q ?? "1");
  const stars = ({ type }: MediaRange): number => (type.startsWith("*") ? 2 : type.endsWith("*") ? 1 : 0);
  // A stable sort keeps the client's order among equals.
  const sorted = ranges.toSorted((a, b) => quality(b) - quality(a) || stars(a) - stars(b));
  if (header.length > maxRemembered) return sorted;
  if (cache.size > 500) cache.clear();
  cache.set(header, sorted);
  return sorted;
}

/** The form for each range of an Accept header. */
export const formats: Record<string, Target["format"]> = {
  "application/json": "json",
  "*/*": "json",
  "*": "json",
  "application/*": "json",
  "application/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
};

const isNamed = (type: string): boolean => Object.hasOwn(formats, type) && !type.endsWith("*");

const transformations: Record<string, Target["as"]> = {
  Table: "table",
  PartialObjectMetadata: "partial",
  PartialObjectMetadataList: "partialList",
};

/** Throws 406 when no type that the endpoint names is accepted, before the endpoint is chosen. */
export function checkNamed(accept: string | undefined, offer: Offer): void {
  if (!accept || offer.families) return;
  const named = (type: string): boolean => isNamed(type) || (offer.text && type === "text/plain");
  if (!parseAccept(accept).some(({ type }) => type === "*/*" || named(type)))
    throw notAcceptable(accept, offer);
}

/** Chooses the form of the answer; throws 406 when none fits. */
export function negotiate(accept: string | undefined, pretty: boolean, offer: Offer = plainOffer): Target {
  const plain: Target = { format: "json", as: "object", asVersion: "", pretty };
  if (!accept) return plain;
  checkNamed(accept, offer);
  const ranges = parseAccept(accept);
  for (const { type, parameters } of ranges) {
    const format = formats[type];
    if (!format) continue;
    const { as: asked, g, v, stream, sv } = parameters;
    // A stream of YAML documents cannot be split while it is read.
    if ((stream && (stream !== "watch" || format === "yaml")) || (sv && !(offer.partial && sv === "v1")))
      continue;
    const shown = pretty || parameters.pretty === "1";
    if (!asked && !g && !v) {
      if (format === "protobuf" && !offer.protobuf) continue;
      return { ...plain, format, pretty: shown };
    }
    const as = transformations[asked ?? ""];
    if (!as || g !== "meta.k8s.io" || (v !== "v1" && v !== "v1beta1")) continue;
    // Tables have no protobuf; documents and errors no transformations.
    if (!offer.partial || (as === "table" && (!offer.tables || format === "protobuf"))) continue;
    return { format, as, asVersion: v, pretty: shown };
  }
  throw notAcceptable(accept, offer);
}

const anyOffer: Offer = { ...plainOffer, families: true };

/** As `negotiate` for errors, which are never refused: indented JSON when nothing fits. */
export function negotiateError(accept: string | undefined, pretty: boolean): Target {
  try {
    return negotiate(accept, pretty, anyOffer);
  } catch {
    return { format: "json", as: "object", asVersion: "", pretty: true };
  }
}

/** Indents JSON for browsers and curl, as Kubernetes does. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get("pretty");
  if (asked) return /^(1|t|true)$/i.test(asked);
  return userAgent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}
