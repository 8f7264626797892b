import type { EntryType, TarEntry } from "./entry.ts";
import { blockSize } from "./header.ts";
import { encodePax } from "./pax.ts";

const flags: Record<EntryType, string> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

export type NewEntry = Pick<TarEntry, "path" | "type"> & Partial<TarEntry>;

/** The header blocks of a member: ustar, with a PAX header in front if needed. Reproducible. */
export function encodeHeader(entry: NewEntry): Buffer {
  const path = entry.type === "directory" && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  const link = entry.linkPath ?? "";
  const size = entry.type === "file" ? (entry.size ?? 0) : 0;
  const uid = entry.uid ?? 0;
  const gid = entry.gid ?? 0;
  const mtime = entry.mtime ?? 0;
  const pax: [string, string][] = [];
  const split = splitName(path);
  if (split === undefined) pax.push(["path", path]);
  if (link.length > 100) pax.push(["linkpath", link]);
  if (size > 0o77777777777) pax.push(["size", String(size)]);
  if (uid > 0o7777777) pax.push(["uid", String(uid)]);
  if (gid > 0o7777777) pax.push(["gid", String(gid)]);
  if (mtime < 0 || !Number.isInteger(mtime)) pax.push(["mtime", String(mtime)]);
  for (const name of [...(entry.xattrs?.keys() ?? [])].sort()) {
    pax.push([`SCHILY.xattr.${name}`, entry.xattrs?.get(name) as string]);
  }
  const [prefix, name] = split ?? ["", path.slice(0, 100)];
  const main = block({
    name,
    prefix,
    mode: entry.mode ?? 0o644,
    uid: Math.min(uid, 0o7777777),
    gid: Math.min(gid, 0o7777777),
    size: Math.min(size, 0o77777777777),
    mtime: Math.max(0, Math.floor(mtime)),
    flag: flags[entry.type],
    link: link.slice(0, 100),
    major: entry.major ?? 0,
    minor: entry.minor ?? 0,
  });
  if (pax.length === 0) return main;
  const records = encodePax(pax);
  const extension = block({
    name: "PaxHeaders/entry",
    prefix: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: 0,
    flag: "x",
    link: "",
    major: 0,
    minor: 0,
  });
  return Buffer.concat([extension, records, padding(records.length), main]);
}

export const padding = (size: number): Buffer => Buffer.alloc((blockSize - (size % blockSize)) % blockSize);

/** Two blocks of zeros. */
export const trailer = (): Buffer => Buffer.alloc(blockSize * 2);

/** A complete small member. */
export const encodeEntry = (entry: NewEntry, content: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([encodeHeader({ ...entry, size: content.length }), content, padding(content.length)]);

function splitName(path: string): [prefix: string, name: string] | undefined {
  if (path.length <= 100) return ["", path];
  if (path.length > 256) return undefined;
  const slash = path.indexOf("/", path.length - 101);
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return [path.slice(0, slash), path.slice(slash + 1)];
}

interface Fields {
  name: string;
  prefix: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  flag: string;
  link: string;
  major: number;
  minor: number;
}

function block(f: Fields): Buffer {
  const out = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, length: number): void => {
    out.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  };
  out.write(f.name, 0, 100, "latin1");
  octal(f.mode & 0o7777, 100, 8);
  octal(f.uid, 108, 8);
  octal(f.gid, 116, 8);
  octal(f.size, 124, 12);
  octal(f.mtime, 136, 12);
  out.write("        ", 148, "latin1");
  out.write(f.flag, 156, "latin1");
  out.write(f.link, 157, 100, "latin1");
  out.write("ustar\x0000", 257, "latin1");
  octal(f.major, 329, 8);
  octal(f.minor, 337, 8);
  out.write(f.prefix, 345, 155, "latin1");
  let sum = 0;
  for (const byte of out) sum += byte;
  out.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return out;
}
