import { BlockList, isIPv6 } from "node:net";
import type { Clock } from "../../machinery/index.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  anyType,
  type DnsMessage,
  DnsFormatError,
  inClass,
  type Name,
  type Question,
  rcodes,
  type ResourceRecord,
  typeCodes,
} from "./message.ts";
import { type DnsSource, lookUp, reverse, type ZoneConfig } from "./records.ts";

export interface ResolverConfig extends ZoneConfig {
  /** Ranges whose reverse zones belong to the cluster. */
  cidrs: readonly string[];
  /** Until it resolves, names cannot be denied: queries wait for it, then fail after a timeout. */
  synced: Promise<void>;
  clock: Clock;
}

const syncPatienceMs = 3_000;

/** Maximum UDP response size, whatever the client accepts: it must not be fragmented (DNS flag day 2020). */
const maxUdp = 1_232;
const maxAliases = 8;

/** From query bytes to response bytes. Never throws; undefined: no response. */
export class Resolver {
  readonly #config: ResolverConfig;
  readonly #source: DnsSource;
  readonly #forwarder: Pick<Forwarder, "exchange">;
  readonly #ownRanges = new BlockList();
  #turn = 0;
  #synced = false;

  constructor(config: ResolverConfig, source: DnsSource, forwarder: Pick<Forwarder, "exchange">) {
    this.#config = config;
    this.#source = source;
    this.#forwarder = forwarder;
    config.synced.then(
      () => {
        this.#synced = true;
      },
      () => undefined,
    );
    for (const cidr of config.cidrs) {
      const [address = "", bits = ""] = cidr.split("/");
      this.#ownRanges.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
    }
  }

  async answer(packet: Buffer, protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
    let query: DnsMessage;
    try {
      query = decodeMessage(packet);
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
      return malformed(packet);
    }
    if (query.response) return undefined;
    const limit = protocol === "tcp" ? 65_535 : Math.min(maxUdp, Math.max(512, query.edns?.udpSize ?? 512));
    const reply = answerTo(query);
    const [question] = query.questions;
    if (query.opcode !== 0) reply.rcode = rcodes.notImplemented;
    else if (!question || query.questions.length !== 1) reply.rcode = rcodes.formatError;
    else if (query.edns && query.edns.version !== 0) reply.rcode = rcodes.badVersion;
    else if (question.class !== inClass && question.class !== anyType) reply.rcode = rcodes.refused;
    else {
      const forwarded = await this.#resolve(question, reply, packet, protocol);
      if (forwarded) return forwarded;
    }
    return keepCase(encodeMessage(reply, limit), packet);
  }

  async #isSynced(): Promise<boolean> {
    if (this.#synced) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#config.clock.timer(syncPatienceMs, resolve);
    await Promise.race([this.#config.synced, promise]).catch(() => undefined);
    timer.stop();
    return this.#synced;
  }

  /** Fills the response, or returns another server's. */
  async #resolve(
    question: Question,
    reply: DnsMessage,
    packet: Buffer,
    protocol: "udp" | "tcp",
  ): Promise<Buffer | undefined> {
    const { domain } = this.#config;
    const inZone = endsWith(question.name, domain);
    const address = addressOfReverse(question.name);
    const ours = address !== undefined && this.#ownRanges.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    if ((inZone || ours) && !(await this.#isSynced())) {
      reply.rcode = rcodes.serverFailure;
      return undefined;
    }
    if (inZone) {
      reply.authoritative = true;
      await this.#fromZone(question.name, question.type, reply, 0);
      return undefined;
    }
    if (ours) {
      reply.authoritative = true;
      const names = reverse(address, this.#source, this.#config);
      if (names.length === 0) this.#negative(reply, rcodes.nameError);
      else if (question.type === typeCodes.PTR || question.type === anyType) {
        for (const target of names) {
          reply.answers.push({ name: question.name, ttl: this.#config.ttlSeconds, type: "PTR", target });
        }
      } else this.#negative(reply, rcodes.noError);
      return undefined;
    }
    const forwarded = await this.#forwarder.exchange(packet, protocol);
    if (!forwarded) reply.rcode = rcodes.serverFailure;
    return forwarded;
  }

  async #fromZone(name: Name, type: number, reply: DnsMessage, depth: number): Promise<void> {
    const { domain, ttlSeconds } = this.#config;
    const found = lookUp(name.slice(0, name.length - domain.length), this.#source, this.#config);
    switch (found.kind) {
      case "absent":
        this.#negative(reply, depth === 0 ? rcodes.nameError : rcodes.noError);
        return;
      case "empty":
        if (name.length === domain.length && type === typeCodes.SOA) reply.answers.push(this.#soa());
        else this.#negative(reply, rcodes.noError);
        return;
      case "alias":
        reply.answers.push({ name, ttl: ttlSeconds, type: "CNAME", target: found.target });
        if (type !== typeCodes.CNAME && depth < maxAliases)
          await this.#follow(found.target, type, reply, depth);
        return;
      case "records": {
        const apexSoa = name.length === domain.length && type === typeCodes.SOA;
        const wanted = apexSoa
          ? [this.#soa()]
          : found.records.filter((r) => type === anyType || codeOf(r) === type);
        if (wanted.length === 0) this.#negative(reply, rcodes.noError);
        // Clients use the first address, so the order rotates.
        else reply.answers.push(...rotate(wanted, this.#turn++));
        for (const record of wanted) if (record.type === "SRV") this.#addTarget(record.target, reply);
      }
    }
  }

  /** An alias' target belongs into the same response: stub resolvers do not query it. */
  async #follow(target: Name, type: number, reply: DnsMessage, depth: number): Promise<void> {
    if (endsWith(target, this.#config.domain)) {
      await this.#fromZone(target, type, reply, depth + 1);
      return;
    }
    const query = encodeMessage({
      ...emptyMessage(0),
      recursionDesired: true,
      questions: [{ name: target, type, class: inClass }],
    });
    const packet = await this.#forwarder.exchange(query, "udp");
    if (!packet) return;
    try {
      reply.answers.push(...decodeMessage(packet).answers);
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
    }
  }

  #addTarget(target: Name, reply: DnsMessage): void {
    const { domain } = this.#config;
    if (!endsWith(target, domain)) return;
    const key = target.join(".");
    if (reply.additional.some((record) => record.name.join(".") === key)) return;
    const found = lookUp(target.slice(0, target.length - domain.length), this.#source, this.#config);
    if (found.kind !== "records") return;
    reply.additional.push(...found.records.filter((r) => r.type === "A" || r.type === "AAAA"));
  }

  #negative(reply: DnsMessage, rcode: number): void {
    if (reply.answers.length === 0) reply.rcode = rcode;
    reply.authority.push(this.#soa());
  }

  #soa(): ResourceRecord {
    const { domain, ttlSeconds } = this.#config;
    return {
      name: domain,
      ttl: ttlSeconds,
      type: "SOA",
      primary: ["ns", "dns", ...domain],
      mailbox: ["hostmaster", ...domain],
      serial: 1,
      refresh: 7_200,
      retry: 1_800,
      expire: 86_400,
      minimum: ttlSeconds,
    };
  }
}

function emptyMessage(id: number): DnsMessage {
  return {
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: false,
    recursionAvailable: false,
    rcode: 0,
    questions: [],
    answers: [],
    authority: [],
    additional: [],
  };
}

function answerTo(query: DnsMessage): DnsMessage {
  const reply: DnsMessage = {
    ...emptyMessage(query.id),
    response: true,
    opcode: query.opcode,
    recursionDesired: query.recursionDesired,
    recursionAvailable: true,
    questions: query.questions.slice(0, 1),
  };
  if (query.edns) reply.edns = { udpSize: maxUdp, version: 0, dnssecOk: query.edns.dnssecOk };
  return reply;
}

/** A complete header is sufficient for "format error"; shorter packets and responses are dropped. */
function malformed(packet: Buffer): Buffer | undefined {
  if (packet.length < 12 || (packet.readUInt8(2) & 0x80) !== 0) return undefined;
  return encodeMessage({
    ...emptyMessage(packet.readUInt16BE(0)),
    response: true,
    rcode: rcodes.formatError,
  });
}

/** Clients may check that the question is returned with the same case (draft-vixie-dnsext-dns0x20). */
function keepCase(reply: Buffer, packet: Buffer): Buffer {
  if (reply.length < 12 || reply.readUInt16BE(4) !== 1) return reply;
  for (let at = 12; at < reply.length && at < packet.length; at++) {
    const ours = reply.readUInt8(at);
    const theirs = packet.readUInt8(at);
    if (ours === 0) break;
    if (ours !== theirs && (ours < 0x61 || ours > 0x7a || theirs + 32 !== ours)) break;
    reply.writeUInt8(theirs, at);
  }
  return reply;
}

function endsWith(name: Name, suffix: Name): boolean {
  const offset = name.length - suffix.length;
  return offset >= 0 && suffix.every((label, i) => name[offset + i] === label);
}

function codeOf(record: ResourceRecord): number {
  return record.type === "unknown" ? record.code : typeCodes[record.type];
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** `4.3.2.1.in-addr.arpa` and the 32 nibbles of ip6.arpa. */
function addressOfReverse(name: Name): string | undefined {
  if (name.length === 6 && endsWith(name, ["in-addr", "arpa"])) {
    const parts = name.slice(0, 4).reverse();
    return parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256) ? parts.join(".") : undefined;
  }
  if (name.length === 34 && endsWith(name, ["ip6", "arpa"])) {
    const nibbles = name.slice(0, 32).reverse();
    if (!nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
    return Array.from({ length: 8 }, (_, i) => nibbles.slice(i * 4, i * 4 + 4).join("")).join(":");
  }
  return undefined;
}
