import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { certificateAuthority, certificateRequest } from "../../testing/index.ts";
import { oid, sequence, set, utf8 } from "./der.ts";
import { pemBlock } from "./pem.ts";
import { parseCertificateRequest, readCertificateRequest } from "./request.ts";
import { signCertificate } from "./sign.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const issued = {
  usages: ["client auth"],
  notBefore: new Date(now),
  notAfter: new Date(now + 3600_000),
  serial: Buffer.from([1]),
};
const signer = certificateAuthority(now - 3600_000, now + 7200_000);

const raw = (tag: number, content: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from([tag, content.length]), Buffer.from(content)]);
const wide = (text: string): Buffer => raw(0x1e, Buffer.from(text, "utf16le").swap16());
const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), value);
const [CN, O] = ["2.5.4.3", "2.5.4.10"];
const rdn = (type: string, value: Buffer): Buffer => set(attribute(type, value));
const masters = attribute(O, utf8("system:masters"));
const node = [rdn(O, utf8("system:nodes")), rdn(CN, utf8("system:node:a"))];
/** An element whose length is written as these bytes and the length itself. */
const lengthened = (tag: number, content: Buffer, ...length: number[]): Buffer =>
  Buffer.concat([Buffer.from([tag, ...length, content.length]), content]);

const requestFor = (subject: Buffer): string => certificateRequest({ commonName: "", subject });
const problemOf = (pem: string): string => {
  try {
    parseCertificateRequest(pemBlock(pem, "CERTIFICATE REQUEST") ?? Buffer.alloc(0));
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

test("subjects that OpenSSL could read in another way are no subjects", () => {
  const strange: [subject: Buffer, problem: RegExp][] = [
    // OpenSSL finds system:masters in this one; who stops at the length does not.
    [sequence(...node, lengthened(0x31, masters, 0x85, 0, 0, 0, 0)), /superfluous leading zeros in length/],
    [sequence(...node, lengthened(0x31, masters, 0x81)), /non-minimal length/],
    [
      sequence(...node, Buffer.concat([Buffer.from([0x31, 0x80]), masters, Buffer.alloc(2)])),
      /indefinite length/,
    ],
    [sequence(...node, Buffer.from([0x31, 0x84, 0xff, 0xff, 0xff, 0xff])), /length too large/],
    [sequence(...node, Buffer.from([0x31, 0x20])), /data truncated/],
    [sequence(...node, Buffer.from([0x31])), /truncated tag or length/],
    [sequence(...node, Buffer.from([0x3f, 0x11, 0])), /tag of more than one byte/],
    [sequence(...node, masters), /tags don't match \(17 vs 16\)/],
    [sequence(...node, set()), /sequence truncated/],
    [sequence(...node, set(set(oid(O), utf8("x")))), /tags don't match \(16 vs 17\)/],
    [sequence(...node, set(sequence(oid(O)))), /sequence truncated/],
    [sequence(...node, set(sequence(oid(O), utf8("a"), utf8("system:masters")))), /trailing data/],
    [sequence(...node, set(sequence(utf8("x"), utf8("y")))), /tags don't match \(6 vs 12\)/],
    [
      sequence(...node, set(sequence(raw(0x06, Buffer.from("5504800a", "hex")), utf8("x")))),
      /not minimally encoded/,
    ],
    [sequence(...node, rdn(O, raw(0x0c, "a\0b"))), /contains NUL/],
    [sequence(...node, rdn(O, wide("a\0"))), /contains NUL/],
    [sequence(...node, rdn(O, raw(0x0c, Buffer.from([0xff])))), /invalid UTF-8 string/],
    [sequence(...node, rdn(O, raw(0x13, "a@b"))), /PrintableString contains invalid character/],
    [sequence(...node, rdn(O, raw(0x13, "a\n"))), /PrintableString contains invalid character/],
    [sequence(...node, rdn(O, raw(0x12, "a"))), /NumericString contains invalid character/],
    [sequence(...node, rdn(O, raw(0x16, Buffer.from([0xe9])))), /IA5String contains invalid character/],
    [sequence(...node, rdn(O, raw(0x1e, "abc"))), /invalid BMPString/],
    [sequence(...node, rdn(O, wide("\ud800"))), /invalid BMPString/],
    [sequence(...node, rdn(O, raw(0x1c, "\0\0\0a"))), /unsupported string type: 28/],
    [sequence(...node, rdn(O, raw(0x2c, utf8("system:masters")))), /unsupported string type: 44/],
    [set(...node), /tags don't match \(16 vs 17\)/],
  ];
  for (const [subject, problem] of strange) {
    const pem = requestFor(subject);
    assert.match(problemOf(pem), problem, subject.toString("hex"));
    assert.equal(readCertificateRequest(pem), undefined, subject.toString("hex"));
  }
});

test("what is left over around and within a request makes it none", () => {
  const alternative = (name: Buffer): string => {
    const pem = certificateRequest({ commonName: "me", dnsNames: ["xx"] });
    const bytes = pemBlock(pem, "CERTIFICATE REQUEST") as Buffer;
    name.copy(bytes, bytes.indexOf(Buffer.from("8202" + "7878", "hex")));
    return `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  };
  assert.equal(problemOf(alternative(Buffer.from("82027979", "hex"))), "");
  assert.match(problemOf(alternative(Buffer.from("82027900", "hex"))), /SAN dNSName is malformed/);
  assert.match(problemOf(alternative(Buffer.from("8102c3a9", "hex"))), /SAN rfc822Name is malformed/);
  assert.match(problemOf(alternative(Buffer.from("87027979", "hex"))), /IP address of length 2/);
  assert.match(problemOf(alternative(Buffer.from("82037979", "hex"))), /data truncated/);
  const bytes = pemBlock(certificateRequest({ commonName: "me" }), "CERTIFICATE REQUEST") as Buffer;
  for (const [given, problem] of [
    [Buffer.concat([bytes, Buffer.from([5, 0])]), /trailing data/],
    [bytes.subarray(0, -1), /data truncated/],
    [Buffer.alloc(0), /sequence truncated/],
  ] as const)
    assert.throws(() => parseCertificateRequest(given), { message: problem });
});

test("strings of every kind and several names read as OpenSSL finds them in the certificate", () => {
  for (const [subject, commonNames, organizations] of [
    [sequence(rdn(O, wide("system:masters")), rdn(CN, utf8("eve"))), ["eve"], ["system:masters"]],
    [sequence(rdn(O, raw(0x14, Buffer.from([0xe9]))), rdn(CN, raw(0x13, "p*"))), ["p*"], ["é"]],
    [sequence(rdn(O, raw(0x12, "1 2")), rdn(CN, raw(0x16, "m@x"))), ["m@x"], ["1 2"]],
    [sequence(set(attribute(CN, utf8("é")), masters), rdn(O, utf8("b"))), ["é"], ["system:masters", "b"]],
    [sequence(rdn(CN, utf8("first")), rdn(CN, utf8("last"))), ["first", "last"], []],
    [sequence(rdn(O, utf8("a\nO=b")), rdn(CN, utf8(""))), [""], ["a\nO=b"]],
    [sequence(), [], []],
  ] as const) {
    const read = readCertificateRequest(requestFor(subject));
    assert.ok(read, subject.toString("hex"));
    assert.deepEqual([read.commonNames, read.organizations], [commonNames, organizations]);
    assert.equal(read.commonName, commonNames.at(-1) ?? "");
    const made = new X509Certificate(signCertificate(read, signer, issued)).toLegacyObject().subject ?? {};
    assert.deepEqual([made.CN ?? []].flat(), commonNames);
    assert.deepEqual([made.O ?? []].flat(), organizations);
  }
});

test("no certificate is handed out that names another than the one who was judged", () => {
  const read = readCertificateRequest(requestFor(sequence(...node)));
  assert.ok(read);
  signCertificate(read, signer, issued);
  for (const subject of [
    sequence(...node, lengthened(0x31, masters, 0x85, 0, 0, 0, 0)),
    sequence(...node, set(masters)),
    sequence(rdn(CN, utf8("system:admin")), ...node),
    sequence(node[0] as Buffer),
  ])
    assert.throws(() => signCertificate({ ...read, subject }, signer, issued), {
      message: /refusing to sign/,
    });
});
