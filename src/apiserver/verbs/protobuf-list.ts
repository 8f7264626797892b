import { setImmediate as nextTurn } from "node:timers/promises";
import type { Entry } from "../cache/entry.ts";
import { envelopeHead, envelopeTail, itemHead, listHead, protobufType } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { ServedResource } from "../registry/resource.ts";
import { joinedParts, ListBody } from "../packing/list-body.ts";
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
  let total = head.length;
  let measured = 0;
  for (const entry of entries) {
    const length = resource.messageLength(entry);
    total += length + itemHead(length).length;
    if (++measured % turnObjects === 0) await nextTurn();
  }
  const parts = {
    head: Buffer.concat([envelopeHead(resource.apiVersion, resource.def.listKind, total), head]),
    entries,
    item: (entry: Entry) => [itemHead(resource.messageLength(entry)), resource.message(entry)],
    itemLength: (entry: Entry) => resource.messageLength(entry),
    tail: envelopeTail,
  };
  const runs = resource.view ? undefined : resource.packedMessages;
  return total < longList
    ? bytesAnswer(200, joinedParts(parts), protobufType)
    : { ...bytesAnswer(200, envelopeTail, protobufType), body: new ListBody(parts, runs) };
}
