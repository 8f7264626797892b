/** Headers with the user of a request, for extension servers (front-proxy protocol). */
import type { UserInfo } from "../auth-contract.ts";
import { headerBytes } from "../network/header-text.ts";

const extraPrefix = "x-remote-extra-";

/** Escapes characters in keys of extras that header names may not have (RFC 9110, 5.1). */
function escapeKey(key: string): string {
  let out = "";
  for (const byte of Buffer.from(key, "utf8")) {
    const letter = String.fromCharCode(byte);
    out += /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(letter)
      ? letter
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

export function identityHeaders(user: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { "x-remote-user": headerBytes(user.name) };
  if (user.uid) headers["x-remote-uid"] = headerBytes(user.uid);
  if (user.groups.length > 0) headers["x-remote-group"] = user.groups.map(headerBytes);
  for (const [key, values] of Object.entries(user.extra ?? {}))
    if (values.length > 0) headers[extraPrefix + escapeKey(key)] = values.map(headerBytes);
  return headers;
}
