/** Path component, host, tag and digest of a reference (grammar of the distribution project). */
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const host =
  "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?";
const grammar = new RegExp(
  `^((?:${host}/)?${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/** The reference, with `:latest` if it has neither tag nor digest; undefined when it is invalid. */
export function parseImageReference(image: string): string | undefined {
  const match = grammar.exec(image);
  if (!match || image.length > 512) return undefined;
  return match[2] === undefined && match[3] === undefined ? `${image}:latest` : image;
}

/** Default policy: Always for `:latest`, else IfNotPresent. */
export function pullPolicy(
  policy: string | undefined,
  reference: string,
): "Always" | "IfNotPresent" | "Never" {
  if (policy === "Always" || policy === "IfNotPresent" || policy === "Never") return policy;
  return reference.endsWith(":latest") ? "Always" : "IfNotPresent";
}
