import { CriError } from "../../cri/index.ts";

/**
 * A full image reference: `docker.io/library/redis:7`, `wherry.local/node@sha256:...`. Grammar: distribution's reference
 * specification, except that components below `wherry.local/debian/` may contain `+`, as names of Debian packages do
 * (libstdc++6).
 */
export interface Reference {
  domain: string;
  path: string;
  /** Undefined with a digest and no tag. */
  tag: string | undefined;
  digest: string | undefined;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const looseComponent = /^[a-z0-9]+[a-z0-9+.-]*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const domainPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
export const digestPattern = /^sha256:[a-f0-9]{64}$/;

/** Adds defaults: `redis` is docker.io/library/redis:latest. InvalidArgument for an invalid reference. */
export function parseReference(text: string): Reference {
  const refuse = (why: string): CriError =>
    new CriError("InvalidArgument", `"${text}" is not an image reference: ${why}`);
  if (text === "") throw new CriError("InvalidArgument", "the image reference is empty");
  let rest = text;
  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!digestPattern.test(digest)) throw refuse("after '@' comes sha256: and 64 hexadecimal digits");
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!tagPattern.test(tag)) throw refuse("a tag is 1 to 128 letters, digits, '_', '.' and '-'");
  }
  const slash = rest.indexOf("/");
  const first = slash < 0 ? "" : rest.slice(0, slash);
  let domain = "docker.io";
  let path = rest;
  if (first !== "" && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase())) {
    domain = first === "index.docker.io" ? "docker.io" : first;
    path = rest.slice(slash + 1);
  }
  if (!domainPattern.test(domain)) throw refuse(`"${domain}" is not a registry's name`);
  if (path === "") throw refuse("it has no repository name");
  if (/[A-Z]/.test(path)) throw refuse("repository names are lower case");
  const loose = domain === "wherry.local" && path.startsWith("debian/");
  for (const part of path.split("/")) {
    if (!(loose ? looseComponent : component).test(part)) {
      throw refuse(`"${part}" in the repository name is not letters and digits with single separators`);
    }
  }
  if (domain === "docker.io" && !path.includes("/")) path = `library/${path}`;
  if (domain.length + path.length > 254) throw refuse("it is too long");
  if (tag === undefined && digest === undefined) tag = "latest";
  return { domain, path, tag, digest };
}

export const repository = (reference: Reference): string => `${reference.domain}/${reference.path}`;

export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${repository(reference)}${tag}${digest}`;
}

/** The full form of a user's reference. */
export const normalise = (text: string): string => formatReference(parseReference(text));

/** The short form: `docker.io/library/redis:7` is `redis:7`. */
export function familiar(reference: string): string {
  if (reference.startsWith("docker.io/library/")) return reference.slice("docker.io/library/".length);
  if (reference.startsWith("docker.io/")) return reference.slice("docker.io/".length);
  return reference;
}
