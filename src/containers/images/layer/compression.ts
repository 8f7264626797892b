import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { invalid } from "../image-error.ts";

export type Compression = "none" | "gzip" | "zstd";

/** Detected by the first bytes; media types and file names are ignored. */
export function sniffCompression(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  if (head[0] === 0xfd && head[1] === 0x37 && head[2] === 0x7a) {
    throw invalid("it is compressed with xz, which wherry does not read; use gzip, zstd or none");
  }
  if (head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68) {
    throw invalid("it is compressed with bzip2, which wherry does not read; use gzip, zstd or none");
  }
  return "none";
}

/** The decompressed content of a stream. The source is destroyed when the reader stops early. */
export async function* decompressed(source: Readable): AsyncGenerator<Buffer> {
  const input = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  try {
    while (head.length < 4) {
      const next = await input.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const kind = sniffCompression(head);
    const whole = rejoined(head, input);
    if (kind === "none") {
      yield* whole;
      return;
    }
    const chunkSize = 256 << 10;
    const unpacker = kind === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
    const feed = pump(whole, unpacker);
    try {
      for await (const chunk of unpacker) yield chunk as Buffer;
    } catch (error) {
      throw invalid(`its ${kind} data is damaged: ${(error as Error).message}`, error);
    } finally {
      unpacker.destroy();
      await feed;
    }
  } finally {
    source.destroy();
  }
}

async function* rejoined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** The source's errors are passed to the decompressor, whose reader sees them. */
async function pump(
  source: AsyncGenerator<Buffer>,
  unpacker: ReturnType<typeof createGunzip>,
): Promise<void> {
  try {
    for await (const chunk of source) {
      if (unpacker.destroyed) return;
      if (!unpacker.write(chunk)) await drained(unpacker);
    }
    unpacker.end();
  } catch (error) {
    unpacker.destroy(error as Error);
  }
}

const drained = (unpacker: ReturnType<typeof createGunzip>): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      unpacker.off("drain", done);
      unpacker.off("close", done);
      resolve();
    };
    unpacker.on("drain", done);
    unpacker.on("close", done);
  });
