import { parseReference } from "../reference.ts";

/** Images that wherry builds from the machine's software, with the registry name `wherry.local`. */
export type BaseRequest =
  | { kind: "busybox" }
  /** wherry's own Node. */
  | { kind: "node"; version: string }
  /** Debian packages with their dependencies. */
  | { kind: "debian"; packages: string[] };

export const baseDomain = "wherry.local";

/** `wherry.local/busybox`, `wherry.local/node`, `wherry.local/debian/redis-server/curl`; undefined for other names. */
export function parseBase(name: string): BaseRequest | undefined {
  const { domain, path, tag } = parseReference(name);
  if (domain !== baseDomain) return undefined;
  if (path === "busybox" && tag === "latest") return { kind: "busybox" };
  if (path === "node") return { kind: "node", version: tag ?? "latest" };
  if (path.startsWith("debian/") && tag === "latest")
    return { kind: "debian", packages: path.split("/").slice(1) };
  return undefined;
}

export const debianReference = (packages: readonly string[]): string =>
  `${baseDomain}/debian/${packages.join("/")}`;
