/** One path component, host, tag and digest of a reference (the distribution project's grammar). */
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const host =
  "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?";
const grammar = new RegExp(
  `^((?:${host}/)?${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/** The reference with `:latest` when it names neither tag nor digest; undefined when it is none. */
export function parseImageReference(image: string): string | undefined {
  const match = grammar.exec(image);
  if (!match || image.length > 512) return undefined;
  return match[2] === undefined && match[3] === undefined ? `${image}:latest` : image;
}

/** Without a policy: Always for `:latest`, IfNotPresent for all else. */
export function pullPolicy(
  policy: string | undefined,
  reference: string,
): "Always" | "IfNotPresent" | "Never" {
  if (policy === "Always" || policy === "IfNotPresent" || policy === "Never") return policy;
  return reference.endsWith(":latest") ? "Always" : "IfNotPresent";
}
