import { setImmediate as nextTurn } from "node:timers/promises";
import type { Entry } from "../cache/entry.ts";
import { envelopeHead, envelopeTail, itemHead, listHead, protobufType } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { ServedResource } from "../registry/resource.ts";
import { Joined } from "../joined.ts";
import { type Answer, bytesAnswer } from "../response.ts";

/** A longer list is put together as it is sent, so that it never stands in memory a second time. */
const longList = 256 * 1024;
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
  const parts = function* (): Generator<Uint8Array> {
    yield envelopeHead(resource.apiVersion, listKind, total);
    yield head;
    for (const [i, entry] of entries.entries()) {
      yield itemHead(lengths[i] as number);
      yield resource.message(entry);
    }
    yield envelopeTail;
  };
  const answer = bytesAnswer(
    200,
    total < longList ? Buffer.concat([...parts()]) : envelopeTail,
    protobufType,
  );
  return total < longList ? answer : { ...answer, body: new Joined(parts()) };
}
