/**
 * What surrounds messages on the wire: `k8s`, a zero byte and a runtime.Unknown (1 apiVersion and kind, 2 the message, 3 content
 * encoding, 4 content type); lists; and the frames of a watch.
 */
import { varint } from "../../../machinery/index.ts";
import { encodeMessage } from "./encode.ts";
import type { Messages } from "./messages.ts";
import { encodeMember } from "./plain-message.ts";

export const protobufType = "application/vnd.kubernetes.protobuf";

export const magic = Buffer.from("k8s\0");
/** Content encoding and content type: empty, but always written. */
const tail = Buffer.from([0x1a, 0, 0x22, 0]);

const heads = new Map<string, Buffer>();

/** The bytes before the message's length. */
function headOf(apiVersion: string, kind: string): Buffer {
  const key = `${apiVersion} ${kind}`;
  let head = heads.get(key);
  if (!head) {
    const type = Buffer.concat([encodeMember(1, apiVersion), encodeMember(2, kind)]);
    head = Buffer.concat([magic, encodeMember(1, type), Buffer.from([0x12])]);
    heads.set(key, head);
  }
  return head;
}

/** A message in its envelope. */
export function enveloped(apiVersion: string, kind: string, message: Uint8Array): Buffer {
  return Buffer.concat([envelopeHead(apiVersion, kind, message.length), message, envelopeTail]);
}

/** The envelope around a message of this length, for messages that are sent in pieces. */
export const envelopeHead = (apiVersion: string, kind: string, length: number): Buffer =>
  Buffer.concat([headOf(apiVersion, kind), Buffer.from(varint(length))]);

export const envelopeTail: Buffer = tail;

/** Encodes an object with kind and apiVersion. Throws for kinds without protobuf. */
export function encodeObject(messages: Messages, object: { kind?: string; apiVersion?: string }): Buffer {
  const { apiVersion = "", kind = "" } = object;
  const name = messages.nameOf(apiVersion || "v1", kind);
  if (!name) throw new Error(`${apiVersion} ${kind} has no protobuf`);
  return enveloped(apiVersion, kind, encodeMessage(messages, name, object));
}

const listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/** The first field of every list. */
export const listHead = (messages: Messages, metadata: object): Buffer =>
  encodeMember(1, encodeMessage(messages, listMeta, metadata));

/** What precedes an item of this length in a list. */
export const itemHead = (length: number): Buffer => Buffer.from([0x12, ...varint(length)]);

/** A watch event: its length in four bytes, then type and object, the object in an envelope of its own. */
export function watchFrame(type: string, object: Uint8Array): Buffer {
  const raw = Buffer.from([0x0a, ...varint(object.length)]);
  const event = Buffer.concat([
    Buffer.from([0x0a, type.length]),
    Buffer.from(type),
    Buffer.from([0x12, ...varint(raw.length + object.length)]),
    raw,
  ]);
  const frame = Buffer.allocUnsafe(4 + event.length + object.length);
  frame.writeUInt32BE(event.length + object.length, 0);
  event.copy(frame, 4);
  frame.set(object, 4 + event.length);
  return frame;
}
