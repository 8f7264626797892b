/**
 * How large a stored object may be: as large as etcd takes them (1.5 MiB for a request, `--max-request-bytes`), so that
 * what is stored here can be taken to any other cluster. The size is that of Kubernetes' own encoding: protobuf where a
 * kind has it, JSON otherwise.
 */
import type { KubeObject } from "../api/index.ts";
import { parseExact, StatusError, varint } from "../machinery/index.ts";
import { encodeObject } from "./codec/protobuf/envelope.ts";
import { loadMessages } from "./codec/protobuf/messages.ts";

/** Bytes. */
const requestLimit = 1.5 * 1024 * 1024;
/** Bytes: etcd's clients send no message that is longer, 512 KiB more than its servers take. */
const messageLimit = 2 * 1024 * 1024;
/** Bytes: what etcd's servers put around a request. */
const envelope = 22;

/** What is shorter as JSON need not be looked at: no other encoding is longer, and the rest of a request is keys. */
export const surelyTaken = (value: Uint8Array): boolean => value.length < requestLimit - 4096;

/**
 * What kube-apiserver says (500) when etcd does not take a value; undefined when it does. `key`: in the store; `revision`:
 * of what it replaces, or 0.
 */
export async function sizeProblem(
  value: Buffer,
  key: string,
  revision: number,
): Promise<StatusError | undefined> {
  const message = requestLength(await encodedLength(value), Buffer.byteLength(key), revision);
  if (message > messageLimit)
    return tooLarge(
      `rpc error: code = ResourceExhausted desc = trying to send message larger than max (${message} vs. ${messageLimit})`,
    );
  return message + envelope > requestLimit ? tooLarge("etcdserver: request is too large") : undefined;
}

const tooLarge = (text: string): StatusError => new StatusError("", text, { code: 500 });

async function encodedLength(value: Buffer): Promise<number> {
  const messages = await loadMessages();
  const object = parseExact(value.toString()) as KubeObject;
  const known = messages.nameOf(object.apiVersion ?? "", object.kind ?? "");
  return known ? encodeObject(messages, object).length : value.length;
}

/** A member that is a text or a message: its tag, its length, itself. */
const member = (length: number): number => 1 + varint(length).length + length;

/** A transaction that puts a value if its key has a revision, and reads the key otherwise when it had one. */
function requestLength(value: number, key: number, revision: number): number {
  const compare = 2 + member(key) + 1 + varint(revision).length;
  const put = member(member(key) + member(value));
  const read = revision === 0 ? 0 : member(member(member(key)));
  return member(compare) + member(put) + read;
}
