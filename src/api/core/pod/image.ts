/** Image names, as far as defaults depend on them. */

const component = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domain = `(?:${component}(?:\\.${component})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const algorithm = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*";
const digest = `${algorithm}:[0-9a-fA-F]{32,}`;
const named = new RegExp(`^(?:${domain}/)?(${part}(?:/${part})*)(?::(${tag}))?(?:@(${digest}))?$`);
const identifier = /^[a-f0-9]{64}$/;
const maxLength = 255;

/** Registry and the rest: the part before the first slash is a registry if it looks like a host. */
function withRegistry(name: string): string {
  const slash = name.indexOf("/");
  const head = name.slice(0, slash);
  const isHost = slash >= 0 && (/[.:]/.test(head) || head === "localhost" || head.toLowerCase() !== head);
  if (isHost) return name;
  return `docker.io/${slash < 0 ? "library/" : ""}${name}`;
}

/** The tag, `latest` without one; "" for an image with a digest and for an invalid name. */
export function imageTag(image: string): string {
  if (identifier.test(image)) return "";
  const full = withRegistry(image);
  const match = named.exec(full);
  if (!match) return "";
  const [, , given = "", hash = ""] = match;
  const end = full.length - (given ? given.length + 1 : 0) - (hash ? hash.length + 1 : 0);
  if (end > maxLength + full.indexOf("/") + 1) return "";
  return given !== "" || hash !== "" ? given : "latest";
}
