/** A DNS message in parts (RFC 1035 section 4, EDNS0 RFC 6891). Names are lower-case labels; the root is []. */
export interface DnsMessage {
  id: number;
  response: boolean;
  opcode: number;
  authoritative: boolean;
  truncated: boolean;
  recursionDesired: boolean;
  recursionAvailable: boolean;
  /** Extended codes (above 15) need `edns`. */
  rcode: number;
  questions: Question[];
  answers: ResourceRecord[];
  authority: ResourceRecord[];
  additional: ResourceRecord[];
  edns?: Edns;
}

export interface Question {
  name: Name;
  type: number;
  class: number;
}

export type Name = readonly string[];

export interface Edns {
  /** Largest UDP payload that the sender accepts, in bytes. */
  udpSize: number;
  version: number;
  dnssecOk: boolean;
}

export type ResourceRecord = { name: Name; ttl: number } & RecordData;

export type RecordData =
  | { type: "A"; address: string }
  | { type: "AAAA"; address: string }
  | { type: "CNAME"; target: Name }
  | { type: "NS"; target: Name }
  | { type: "PTR"; target: Name }
  | { type: "SRV"; priority: number; weight: number; port: number; target: Name }
  | { type: "TXT"; texts: string[] }
  | {
      type: "SOA";
      primary: Name;
      mailbox: Name;
      serial: number;
      refresh: number;
      retry: number;
      expire: number;
      /** TTL of negative responses, in seconds (RFC 2308). */
      minimum: number;
    }
  | { type: "unknown"; code: number; data: Uint8Array };

export const typeCodes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
} as const;

export const optType = 41;
export const anyType = 255;
export const inClass = 1;

export const rcodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

/** The received message is invalid or unsupported. */
export class DnsFormatError extends Error {
  override readonly name = "DnsFormatError";
}

export function parseName(text: string): Name {
  return text
    .toLowerCase()
    .split(".")
    .filter((label) => label !== "");
}
