import type { UserInfo } from "../../auth-contract.ts";

/**
 * Users by bearer token, from lines of `token,user name,user uid[,"group,group"]` (--token-auth-file). Throws an Error for a line
 * with too few fields, in kube-apiserver's words. Lines without a token are ignored; of several with the same token the last
 * counts.
 */
export function readTokenFile(text: string, path: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [token = "", name, uid, groups] of records(text)) {
    if (name === undefined || uid === undefined) {
      const found = name === undefined ? 1 : 2;
      throw new Error(
        `token file '${path}' must have at least 3 columns (token, user name, user uid), found ${found}`,
      );
    }
    if (token === "") continue;
    users.set(token, { name, ...(uid === "" ? {} : { uid }), groups: groups?.split(",") ?? [] });
  }
  return users;
}

/** Records of comma-separated values (RFC 4180); empty lines are skipped. */
function records(text: string): string[][] {
  const found: string[][] = [];
  let record: string[] = [];
  const value = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/gy;
  while (value.lastIndex < text.length || record.length > 0) {
    const at = value.lastIndex;
    const match = value.exec(text);
    if (!match)
      throw new Error(`line ${text.slice(0, at).split("\n").length}: there is a quote where none may be`);
    const [whole, field = "", end] = match;
    record.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === ",") {
      if (value.lastIndex < text.length) continue;
      record.push("");
    }
    if (record.length > 1 || record[0] !== "") found.push(record);
    record = [];
    if (whole === "") break;
  }
  return found;
}
