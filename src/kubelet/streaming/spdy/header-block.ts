import { constants, createInflate } from "node:zlib";
import { headerDictionary } from "./dictionary.ts";
import { words } from "./frames.ts";

/** Lower-case names; several values of a name are joined by NUL. */
export type SpdyHeaders = Readonly<Record<string, string>>;

/** Limit of an inflated header block. */
const maxBlock = 256 * 1024;

export interface HeaderReader {
  /** Blocks must be passed in order: they share a compression context. */
  read(block: Buffer): Promise<SpdyHeaders>;
  close(): void;
}

export function createHeaderReader(): HeaderReader {
  const inflate = createInflate({
    dictionary: headerDictionary,
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  let out: Buffer[] = [];
  let size = 0;
  let failed: Error | undefined;
  inflate.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBlock) inflate.destroy(new Error("SPDY header block is too long"));
    else out.push(chunk);
  });
  inflate.on("error", (error) => {
    failed = error;
  });
  return {
    async read(block) {
      out = [];
      size = 0;
      await new Promise<void>((resolve, reject) => {
        if (failed) return reject(failed);
        inflate.once("error", reject);
        inflate.write(block, (error) => {
          inflate.off("error", reject);
          if (error) reject(error);
          else setImmediate(resolve); // the inflated data was emitted by then
        });
      });
      return parse(Buffer.concat(out));
    },
    close: () => inflate.destroy(),
  };
}

function parse(block: Buffer): SpdyHeaders {
  const headers: Record<string, string> = {};
  let at = 0;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    at += 4;
    if (length > block.length - at) throw new Error("SPDY header block is cut off");
    const value = block.toString("utf8", at, at + length);
    at += length;
    return value;
  };
  const count = block.readUInt32BE(at);
  at += 4;
  for (let i = 0; i < count; i++) {
    const name = text().toLowerCase();
    headers[name] = text();
  }
  return headers;
}

/**
 * Header blocks to the client are sent as stored (uncompressed) deflate blocks of one zlib stream, which needs no compressor
 * and no dictionary.
 */
export function createHeaderWriter(): (headers: SpdyHeaders) => Buffer {
  // An empty stored block ends each header block, so that decoders flush their output.
  const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);
  let first = true;
  return (headers) => {
    const parts: Buffer[] = [words(Object.keys(headers).length)];
    for (const [name, value] of Object.entries(headers)) {
      for (const each of [Buffer.from(name.toLowerCase()), Buffer.from(value)])
        parts.push(words(each.length), each);
    }
    const plain = Buffer.concat(parts);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(plain.length, 1);
    head.writeUInt16LE(~plain.length & 0xffff, 3);
    const block = Buffer.concat([...(first ? [Buffer.from([0x78, 0x01])] : []), head, plain, flush]);
    first = false;
    return block;
  };
}
