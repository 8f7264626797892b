import { WordError } from "../dockerfile/words.ts";
import type { MergedTree } from "./merged-tree.ts";

export interface Identity {
  uid: number;
  gid: number;
  groups: number[];
}

/** `user`, `uid`, `user:group`, `uid:gid`, by the image's passwd and group files. */
export function resolveUser(tree: MergedTree, text: string): Identity {
  const [user = "", group] = text.split(":");
  const passwd = rows(tree.read("etc/passwd"));
  const row = isNumber(user) ? passwd.find((r) => r[2] === user) : passwd.find((r) => r[0] === user);
  if (row === undefined && !isNumber(user) && user !== "" && user !== "root") {
    throw new WordError(`the image has no user "${user}" in /etc/passwd`);
  }
  const uid = isNumber(user) ? id(user) : id(row?.[2] ?? "0");
  const groups = rows(tree.read("etc/group"));
  if (group !== undefined && group !== "") return { uid, gid: groupId(groups, group), groups: [] };
  const name = row?.[0];
  const more = groups
    .filter((r) => name !== undefined && (r[3] ?? "").split(",").includes(name))
    .map((r) => id(r[2] ?? "0"));
  return { uid, gid: id(row?.[3] ?? "0"), groups: more };
}

/** For --chown: without a group it is the one with the user's number (Dockerfile reference, COPY --chown). */
export function resolveOwner(tree: MergedTree, text: string): { uid: number; gid: number } {
  const { uid, gid } = resolveUser(tree, text);
  return text.includes(":") ? { uid, gid } : { uid, gid: isNumber(text) ? uid : gid };
}

/** The user's home directory, or "/". */
export function homeOf(tree: MergedTree, uid: number): string {
  const row = rows(tree.read("etc/passwd")).find((r) => r[2] === String(uid));
  return row?.[5] || (uid === 0 ? "/root" : "/");
}

function groupId(groups: string[][], group: string): number {
  if (isNumber(group)) return id(group);
  const row = groups.find((r) => r[0] === group);
  if (row === undefined && group !== "root")
    throw new WordError(`the image has no group "${group}" in /etc/group`);
  return id(row?.[2] ?? "0");
}

const rows = (text: string | undefined): string[][] =>
  (text ?? "").split("\n").map((line) => line.split(":"));
const isNumber = (text: string): boolean => /^[0-9]{1,10}$/.test(text);

function id(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value >= 0xffffffff)
    throw new WordError(`${text} is not a user or group number`);
  return value;
}
