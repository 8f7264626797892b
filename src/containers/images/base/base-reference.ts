import { parseReference } from "../reference.ts";

/** Images that wherry makes out of what the machine has, named as if a registry `wherry.local` had them. */
export type BaseRequest =
  | { kind: "busybox" }
  /** wherry's own Node. */
  | { kind: "node"; version: string }
  /** Debian packages and what they need. */
  | { kind: "debian"; packages: string[] };

export const baseDomain = "wherry.local";

/** `wherry.local/busybox`, `wherry.local/node`, `wherry.local/debian/redis-server/curl`; undefined for everything else. */
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
