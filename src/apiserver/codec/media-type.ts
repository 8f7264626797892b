/** Content types of bodies that carry objects. */

/** Server-side apply. */
export const applyType = "application/apply-patch+yaml";

export const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** Content type without parameters. */
export const mediaType = (header: string | undefined): string =>
  (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** A media type with parameters (RFC 2045). */
export const wellFormed = /^[^;]*(?:;\s*[\w!#$&^.+-]+=(?:"[^"]*"|[^\s;"]+)\s*)*(?:;\s*)?$/;

/** True for a content type that is not decoded. Objects may come without one. */
export function isForeignType(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  const known = type === "" || (bodyTypes as readonly string[]).includes(type);
  return !known || (contentType !== undefined && !wellFormed.test(contentType));
}
