import { setImmediate as nextTurn } from "node:timers/promises";
import type { Entry } from "../cache/entry.ts";
import { envelopeHead, envelopeTail, itemHead, listHead, protobufType } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { ServedResource } from "../registry/resource.ts";
import { joinedParts, ListBody } from "../packing/list-body.ts";
import { type Answer, bytesAnswer } from "../response.ts";

/** Longer lists are assembled while they are sent, so that they are not in memory twice. */
const longList = 256 * 1024;
/** Number of objects after which other requests have their turn. */
const turnObjects = 256;

/**
 * A list of its items' messages. Its length comes first, so all items are measured before the first is sent; messages that do not
 * fit into memory meanwhile are made twice.
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
