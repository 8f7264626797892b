import { isIPv6 } from "node:net";
import { type DnsMessage, inClass, type Name, optType, type ResourceRecord, typeCodes } from "./message.ts";

/**
 * Encodes a message of at most `limit` bytes. Records that do not fit are left out from the end; leaving out an answer or
 * authority record sets TC, so that the client retries over TCP (RFC 2181 section 9).
 */
export function encodeMessage(message: DnsMessage, limit = 65_535): Buffer {
  const writer = new Writer();
  const reserved = message.edns ? 11 : 0;
  writer.uint16(message.id);
  writer.uint16(0);
  for (let i = 0; i < 4; i++) writer.uint16(0);
  for (const { name, type, class: klass } of message.questions) {
    writer.name(name);
    writer.uint16(type);
    writer.uint16(klass);
  }
  const counts = [0, 0, 0];
  let truncated = message.truncated;
  let full = false;
  [message.answers, message.authority, message.additional].forEach((records, section) => {
    for (const record of records) {
      if (full) break;
      const mark = writer.mark();
      writeRecord(writer, record);
      if (writer.length + reserved > limit) {
        writer.rewind(mark);
        full = true;
        if (section < 2) truncated = true;
        break;
      }
      counts[section] = (counts[section] ?? 0) + 1;
    }
  });
  if (message.edns) {
    writer.uint8(0);
    writer.uint16(optType);
    writer.uint16(message.edns.udpSize);
    writer.uint8((message.rcode >> 4) & 255);
    writer.uint8(message.edns.version);
    writer.uint16(message.edns.dnssecOk ? 0x8000 : 0);
    writer.uint16(0);
  }
  const out = writer.finish();
  const flags =
    (message.response ? 0x8000 : 0) |
    (message.opcode << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.rcode & 15);
  out.writeUInt16BE(flags, 2);
  out.writeUInt16BE(message.questions.length, 4);
  out.writeUInt16BE(counts[0] ?? 0, 6);
  out.writeUInt16BE(counts[1] ?? 0, 8);
  out.writeUInt16BE((counts[2] ?? 0) + (message.edns ? 1 : 0), 10);
  return out;
}

function writeRecord(writer: Writer, record: ResourceRecord): void {
  writer.name(record.name);
  writer.uint16(record.type === "unknown" ? record.code : typeCodes[record.type]);
  writer.uint16(inClass);
  writer.uint32(record.ttl);
  const lengthAt = writer.length;
  writer.uint16(0);
  switch (record.type) {
    case "A":
      for (const part of record.address.split(".")) writer.uint8(Number(part));
      break;
    case "AAAA":
      for (const group of ipv6Groups(record.address)) writer.uint16(group);
      break;
    case "CNAME":
    case "NS":
    case "PTR":
      writer.name(record.target);
      break;
    case "SRV":
      writer.uint16(record.priority);
      writer.uint16(record.weight);
      writer.uint16(record.port);
      // RFC 2782: the target is not compressed.
      writer.name(record.target, false);
      break;
    case "TXT":
      for (const text of record.texts) {
        const bytes = Buffer.from(text, "latin1").subarray(0, 255);
        writer.uint8(bytes.length);
        writer.bytes(bytes);
      }
      break;
    case "SOA":
      writer.name(record.primary);
      writer.name(record.mailbox);
      for (const n of [record.serial, record.refresh, record.retry, record.expire, record.minimum])
        writer.uint32(n);
      break;
    case "unknown":
      writer.bytes(record.data);
      break;
  }
  writer.setUint16(lengthAt, writer.length - lengthAt - 2);
}

/** The eight 16-bit groups of an IPv6 address in any notation. */
export function ipv6Groups(address: string): number[] {
  if (!isIPv6(address)) return new Array<number>(8).fill(0);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted
    ? `${dotted[1]}${(Number(dotted[2]) * 256 + Number(dotted[3])).toString(16)}:${(Number(dotted[4]) * 256 + Number(dotted[5])).toString(16)}`
    : address;
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  if (tail === undefined) return left;
  const right = groups(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

class Writer {
  #buffer = Buffer.allocUnsafe(512);
  #at = 0;
  /** Offsets of names (as text), for compression. */
  readonly #names = new Map<string, number>();

  get length(): number {
    return this.#at;
  }

  mark(): number {
    return this.#at;
  }

  rewind(to: number): void {
    this.#at = to;
    for (const [name, at] of this.#names) if (at >= to) this.#names.delete(name);
  }

  uint8(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  uint16(value: number): void {
    this.#room(2);
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  uint32(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeUInt32BE(value >>> 0, this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  setUint16(at: number, value: number): void {
    this.#buffer.writeUInt16BE(value, at);
  }

  name(name: Name, compress = true): void {
    for (let i = 0; i < name.length; i++) {
      const rest = name.slice(i).join(".");
      const known = this.#names.get(rest);
      if (compress && known !== undefined) {
        this.uint16(0xc000 | known);
        return;
      }
      // Pointers have 14 bits.
      if (this.#at < 0x4000 && known === undefined) this.#names.set(rest, this.#at);
      const label = Buffer.from(name[i] ?? "", "latin1").subarray(0, 63);
      this.uint8(label.length);
      this.bytes(label);
    }
    this.uint8(0);
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #room(count: number): void {
    if (this.#at + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + count));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
