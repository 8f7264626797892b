import { TarError } from "./tar-error.ts";

/** Records of a PAX extended header (POSIX.1-2001): `length key=value\n`, length in bytes and counting itself. Values as bytes. */
export function parsePax(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < data.length) {
    // GNU tar and others sometimes pad with zeros.
    if (data[at] === 0) break;
    const space = data.indexOf(0x20, at);
    const digits = space < 0 ? "" : data.toString("latin1", at, space);
    if (!/^[0-9]{1,9}$/.test(digits)) throw new TarError("damaged tar archive: a PAX record has no length");
    const end = at + Number(digits);
    if (end > data.length || end <= space + 1 || data[end - 1] !== 0x0a) {
      throw new TarError("damaged tar archive: a PAX record has a wrong length");
    }
    const equals = data.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end) throw new TarError("damaged tar archive: a PAX record has no '='");
    const key = data.toString("latin1", space + 1, equals);
    const value = data.toString("latin1", equals + 1, end - 1);
    // GNU.sparse.offset and numbytes repeat, in pairs (format 0.0); of others the last one counts.
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const list = records.get("GNU.sparse.map");
      records.set("GNU.sparse.map", list === undefined ? value : `${list},${value}`);
    } else records.set(key, value);
    at = end;
  }
  return records;
}

export function encodePax(records: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of records) {
    const body = ` ${key}=${value}\n`;
    let length = body.length + 1;
    while (String(length).length + body.length !== length) length = String(length).length + body.length;
    parts.push(Buffer.from(`${length}${body}`, "latin1"));
  }
  return Buffer.concat(parts);
}

export function paxNumber(value: string, key: string): number {
  if (!/^-?[0-9]{1,19}(\.[0-9]*)?$/.test(value)) {
    throw new TarError(`damaged tar archive: PAX ${key} is not a number`);
  }
  const result = Number(value);
  if (Math.abs(result) > Number.MAX_SAFE_INTEGER)
    throw new TarError(`damaged tar archive: PAX ${key} is out of range`);
  return result;
}
