import { CriError } from "../cri/index.ts";

export interface ImageUser {
  uid: number;
  gid: number;
  groups: number[];
  home: string;
  /** "" for users unknown to /etc/passwd. */
  name: string;
}

export interface UserRequest {
  /** The image's `User`: `name`, `uid`, `name:group`, `uid:gid`; "" for root. */
  image: string;
  uid?: number;
  username?: string;
  gid?: number;
  supplementalGroups: readonly number[];
  /** Includes the user's groups in /etc/group, unless Strict. */
  policy?: "Merge" | "Strict";
}

/** The process' user by the image's /etc/passwd and /etc/group. InvalidArgument for an unknown name. */
export function resolveUser(request: UserRequest, passwd: string, group: string): ImageUser {
  const users = rows(passwd, 7);
  const groups = rows(group, 4);
  const [imageUser = "", imageGroup] = request.image.split(":");
  const wanted = request.uid !== undefined ? String(request.uid) : (request.username ?? imageUser) || "0";
  const byName = request.uid === undefined ? users.find((row) => row[0] === wanted) : undefined;
  const entry = byName ?? (isNumber(wanted) ? users.find((row) => row[2] === wanted) : undefined);
  if (!entry && !isNumber(wanted))
    throw new CriError("InvalidArgument", `the image has no user ${JSON.stringify(wanted)}`);
  const uid = entry ? Number(entry[2]) : Number(wanted);
  let gid = entry ? Number(entry[3]) : 0;
  // The image's group belongs to the image's user; another user has its own.
  if (imageGroup && request.uid === undefined && !request.username) {
    const row = groups.find((one) => one[0] === imageGroup);
    if (!row && !isNumber(imageGroup))
      throw new CriError("InvalidArgument", `the image has no group ${JSON.stringify(imageGroup)}`);
    gid = row ? Number(row[2]) : Number(imageGroup);
  }
  if (request.gid !== undefined) gid = request.gid;
  const name = entry?.[0] ?? "";
  const member =
    request.policy === "Strict" || !name ? [] : groups.filter((row) => row[3]?.split(",").includes(name));
  const all = new Set([gid, ...member.map((row) => Number(row[2])), ...request.supplementalGroups]);
  return { uid, gid, groups: [...all].filter((id) => Number.isInteger(id)), home: entry?.[5] || "/", name };
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

function rows(file: string, columns: number): string[][] {
  return file
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(":"))
    .filter((row) => row.length >= columns);
}
