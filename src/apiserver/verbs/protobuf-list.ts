import { setImmediate as nextTurn } from "node:timers/promises";
import type { Entry } from "../cache/entry.ts";
import { envelopeHead, envelopeTail, itemHead, listHead, protobufType } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { ServedResource } from "../registry/resource.ts";
import { type Answer, bytesAnswer } from "../response.ts";

/** A longer list is sent in pieces of this size, so that it never stands in memory a second time. */
const pieceBytes = 1024 * 1024;
/** Others get their turn after so many objects. */
const turnObjects = 256;

/**
 * A list out of its items' messages. Its length stands at its head, so every item is measured before the first goes out;
 * messages that do not fit into memory meanwhile are made a second time.
 */
export async function protobufList(
  resource: ServedResource,
  entries: readonly Entry[],
  metadata: object,
): Promise<Answer> {
  const head = listHead(messages(), metadata);
  const { listKind } = resource.def;
  const lengths: number[] = [];
  let total = head.length;
  for (const entry of entries) {
    const length = resource.messageLength(entry);
    lengths.push(length);
    total += length + itemHead(length).length;
    if (lengths.length % turnObjects === 0) await nextTurn();
  }
  let parts: Uint8Array[] = [envelopeHead(resource.apiVersion, listKind, total), head];
  if (total < pieceBytes) {
    for (const [i, entry] of entries.entries())
      parts.push(itemHead(lengths[i] as number), resource.message(entry));
    parts.push(envelopeTail);
    return bytesAnswer(200, Buffer.concat(parts), protobufType);
  }
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    let size = 0;
    for (const [i, entry] of entries.entries()) {
      const length = lengths[i] as number;
      parts.push(itemHead(length), resource.message(entry));
      size += length;
      if (size >= pieceBytes) {
        yield Buffer.concat(parts);
        parts = [];
        size = 0;
      }
    }
    parts.push(envelopeTail);
    yield Buffer.concat(parts);
  };
  return { ...bytesAnswer(200, envelopeTail, protobufType), body: pieces() };
}
