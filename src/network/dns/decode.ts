import {
  type DnsMessage,
  DnsFormatError,
  type Name,
  optType,
  type RecordData,
  type ResourceRecord,
  typeCodes,
} from "./message.ts";

/** Decodes a message. Throws DnsFormatError for invalid ones; never reads outside the packet. */
export function decodeMessage(packet: Uint8Array): DnsMessage {
  const reader = new Reader(packet);
  const id = reader.uint16();
  const flags = reader.uint16();
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const message: DnsMessage = {
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: flags & 15,
    questions: [],
    answers: [],
    authority: [],
    additional: [],
  };
  for (let i = 0; i < counts[0]; i++) {
    message.questions.push({ name: reader.name(), type: reader.uint16(), class: reader.uint16() });
  }
  for (let i = 0; i < counts[1]; i++) readRecord(reader, message, message.answers);
  for (let i = 0; i < counts[2]; i++) readRecord(reader, message, message.authority);
  for (let i = 0; i < counts[3]; i++) readRecord(reader, message, message.additional);
  return message;
}

function readRecord(reader: Reader, message: DnsMessage, into: ResourceRecord[]): void {
  const name = reader.name();
  const code = reader.uint16();
  const classOrSize = reader.uint16();
  const ttl = reader.uint32();
  const length = reader.uint16();
  const end = reader.at + length;
  if (end > reader.packet.length) throw new DnsFormatError("record data runs past the end");
  if (code === optType) {
    // RFC 6891 section 6.1.3: the class is the size, the TTL holds code, version and flags.
    message.edns = { udpSize: classOrSize, version: (ttl >> 16) & 255, dnssecOk: (ttl & 0x8000) !== 0 };
    message.rcode |= (ttl >>> 24) << 4;
  } else {
    into.push({ name, ttl, ...readData(reader, code, end) });
  }
  reader.at = end;
}

function readData(reader: Reader, code: number, end: number): RecordData {
  const start = reader.at;
  const size = end - start;
  switch (code) {
    case typeCodes.A:
      if (size === 4) return { type: "A", address: [...reader.bytes(4)].join(".") };
      break;
    case typeCodes.AAAA:
      if (size === 16) return { type: "AAAA", address: ipv6Text(reader.bytes(16)) };
      break;
    case typeCodes.CNAME:
      return { type: "CNAME", target: reader.name() };
    case typeCodes.NS:
      return { type: "NS", target: reader.name() };
    case typeCodes.PTR:
      return { type: "PTR", target: reader.name() };
    case typeCodes.SRV:
      return {
        type: "SRV",
        priority: reader.uint16(),
        weight: reader.uint16(),
        port: reader.uint16(),
        target: reader.name(),
      };
    case typeCodes.TXT: {
      const texts: string[] = [];
      while (reader.at < end) {
        const length = reader.uint8();
        if (reader.at + length > end) throw new DnsFormatError("text runs past the record");
        texts.push(Buffer.from(reader.bytes(length)).toString("latin1"));
      }
      return { type: "TXT", texts };
    }
    case typeCodes.SOA:
      return {
        type: "SOA",
        primary: reader.name(),
        mailbox: reader.name(),
        serial: reader.uint32(),
        refresh: reader.uint32(),
        retry: reader.uint32(),
        expire: reader.uint32(),
        minimum: reader.uint32(),
      };
  }
  return { type: "unknown", code, data: reader.packet.subarray(start, end) };
}

/** Eight groups without compression of zeros; sufficient to compare and to send back. */
function ipv6Text(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(":");
}

class Reader {
  readonly packet: Uint8Array;
  at = 0;

  constructor(packet: Uint8Array) {
    this.packet = packet;
  }

  uint8(): number {
    const value = this.packet[this.at];
    if (value === undefined) throw new DnsFormatError("message ends too early");
    this.at++;
    return value;
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 65536 + this.uint16();
  }

  bytes(count: number): Uint8Array {
    if (this.at + count > this.packet.length) throw new DnsFormatError("message ends too early");
    this.at += count;
    return this.packet.subarray(this.at - count, this.at);
  }

  /** RFC 1035 section 4.1.4. Pointers must lead backwards, which prevents loops. */
  name(): Name {
    const labels: string[] = [];
    let length = 0;
    let resume: number | undefined;
    let lowest = this.at;
    for (;;) {
      const head = this.uint8();
      if (head === 0) break;
      if (head >= 0xc0) {
        const target = ((head & 0x3f) << 8) | this.uint8();
        resume ??= this.at;
        if (target >= lowest) throw new DnsFormatError("name pointer does not lead backwards");
        lowest = target;
        this.at = target;
        continue;
      }
      if (head > 63) throw new DnsFormatError("label is too long");
      length += head + 1;
      if (length > 254) throw new DnsFormatError("name is too long");
      labels.push(Buffer.from(this.bytes(head)).toString("latin1").toLowerCase());
    }
    if (resume !== undefined) this.at = resume;
    return labels;
  }
}
