import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { CertificateSigningRequest, KubeObject } from "../../api/index.ts";
import { createClient, type ResourceClient } from "../../client/index.ts";
import { der, isReason } from "../../machinery/index.ts";
import {
  certificateAuthority,
  certificateRequest,
  FakeClock,
  openTestApi,
  type RequestedNames,
  watchTransport,
} from "../../testing/index.ts";
import type { Controller } from "../context.ts";
import { startOn } from "../testing/bench.ts";
import { certificateSigner, runCertificateApprover, runCertificateCleaner, signerNames } from "./index.ts";
import { requestsOf } from "./requests.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const node: RequestedNames = { commonName: "system:node:n", organizations: ["system:nodes"] };
const clientUsages = ["digital signature", "client auth"];
const kubelet = "kubernetes.io/kube-apiserver-client-kubelet";

interface Bench {
  clock: FakeClock;
  requests: ResourceClient<CertificateSigningRequest>;
  /** Who asked whether somebody may: subresources. */
  asked: string[];
  create(name: string, spec: Partial<CertificateSigningRequest["spec"]>, pem?: string): Promise<void>;
  approve(name: string, type?: string): Promise<void>;
  get(name: string): Promise<CertificateSigningRequest>;
  settle(): Promise<void>;
}

const start = 1_767_225_600_000;

/** Controllers over a server where only these ways to a certificate are open. */
async function bench(
  t: TestContext,
  controllers: readonly Controller[],
  open: readonly string[] = [],
): Promise<Bench> {
  const clock = new FakeClock(start);
  const asked: string[] = [];
  const api = await openTestApi(clock, {
    special: new Map([
      [
        "subjectaccessreviews.authorization.k8s.io",
        {
          group: "authorization.k8s.io",
          version: "v1",
          kind: "SubjectAccessReview",
          namespaced: false,
          verbs: ["create"],
          handle(context) {
            const review = context.object() as KubeObject & {
              spec: { user: string; resourceAttributes: { subresource: string } };
            };
            const { user, resourceAttributes } = review.spec;
            asked.push(`${user} ${resourceAttributes.subresource}`);
            const allowed = open.includes(resourceAttributes.subresource);
            return Promise.resolve({ ...review, status: { allowed } } as KubeObject);
          },
        },
      ],
    ]),
  });
  const requests = requestsOf(createClient(api.transport));
  const stop = await startOn(watchTransport(api.transport), clock, controllers);
  t.after(async () => {
    await stop();
    await api.close();
  });
  const get = (name: string) => requests.get(undefined, name);
  return {
    clock,
    requests,
    asked,
    get,
    async create(name, spec, pem = certificateRequest(node)) {
      await requests.create(undefined, {
        metadata: { name },
        spec: {
          request: Buffer.from(pem).toString("base64"),
          signerName: kubelet,
          usages: clientUsages,
          ...spec,
        },
      });
    },
    async approve(name, type = "Approved") {
      const request = await get(name);
      const condition = { type, status: "True", reason: "Test" };
      const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
      await requests.subresource(undefined, name, "approval", "PUT", { ...request, status });
    },
    async settle() {
      for (let i = 0; i < 12; i++) await clock.run(20);
    },
  };
}

const reasonOf = ({ status }: CertificateSigningRequest) =>
  status?.conditions?.map(({ type, reason, message }) => [type, reason, message]);

test("nodes that may have client certificates have their requests approved, and others theirs left alone", async (t) => {
  const b = await bench(t, [runCertificateApprover], ["nodeclient"]);
  await b.create("node", {});
  await b.create("serving", {
    signerName: "kubernetes.io/kubelet-serving",
    usages: ["digital signature", "server auth"],
  });
  await b.create("person", {}, certificateRequest({ commonName: "me", organizations: ["system:nodes"] }));
  await b.settle();
  assert.deepEqual(reasonOf(await b.get("node")), [
    ["Approved", "AutoApproved", "Auto approving kubelet client certificate after SubjectAccessReview."],
  ]);
  assert.equal(reasonOf(await b.get("serving")), undefined);
  assert.equal(reasonOf(await b.get("person")), undefined);
  // It is the user who made the request that is asked about, not the node that it names.
  assert.deepEqual(b.asked, ["test nodeclient"]);
});

test("requests that hide somebody else are refused, or neither approved nor signed", async (t) => {
  const { oid, sequence, set, utf8 } = der;
  const attribute = (type: string, value: string): Buffer => sequence(oid(type), utf8(value));
  const organization = set(attribute("2.5.4.10", "system:nodes"));
  const named = (name: string): Buffer => set(attribute("2.5.4.3", name));
  const masters = attribute("2.5.4.10", "system:masters");
  const hidden = Buffer.concat([Buffer.from([0x31, 0x85, 0, 0, 0, 0, masters.length]), masters]);
  const hostile = (...names: Buffer[]): string =>
    certificateRequest({ commonName: "", subject: sequence(organization, ...names) });

  const signers = { [kubelet]: certificateAuthority(start - dayMs, start + dayMs) };
  const b = await bench(
    t,
    [runCertificateApprover, certificateSigner({ signers })],
    ["nodeclient", "selfnodeclient"],
  );
  await assert.rejects(b.create("hidden", {}, hostile(named("system:node:n"), hidden)), {
    message: /spec\.request: Invalid value: .*: asn1: structure error: superfluous leading zeros in length/,
  });
  const twice = hostile(named("system:kube-controller-manager"), named("system:node:n"));
  await b.create("twice", {}, twice);
  await b.create("by-hand", {}, twice);
  await b.settle();
  assert.equal(reasonOf(await b.get("twice")), undefined);
  await b.approve("by-hand");
  await b.settle();
  const refused = await b.get("by-hand");
  assert.deepEqual(reasonOf(refused)?.[1], [
    "Failed",
    "SignerValidationFailure",
    "subject has more than one common name",
  ]);
  assert.equal(refused.status?.certificate, undefined);
});

test("who may not is asked about again", async (t) => {
  const open: string[] = [];
  const b = await bench(t, [runCertificateApprover], open);
  await b.create("node", {});
  await b.settle();
  assert.equal(reasonOf(await b.get("node")), undefined);
  open.push("nodeclient");
  await b.clock.run(30_000);
  await b.settle();
  assert.equal(reasonOf(await b.get("node"))?.[0]?.[0], "Approved");
});

test("approved requests are signed by whom their signer names, for as long as they ask, no longer than they may", async (t) => {
  const signers = Object.fromEntries(
    signerNames.map((name) => [name, certificateAuthority(start - dayMs, start + 1000 * dayMs)]),
  );
  const b = await bench(t, [certificateSigner({ signers, durationMs: 20 * dayMs })]);
  const serving: RequestedNames = { ...node, dnsNames: ["n"], ipAddresses: [Buffer.from([10, 0, 0, 1])] };
  const serverUsages = ["digital signature", "key encipherment", "server auth"];
  await b.create("a", {});
  await b.create(
    "b",
    { signerName: "kubernetes.io/kubelet-serving", usages: serverUsages, expirationSeconds: 3600 },
    certificateRequest(serving),
  );
  await b.create(
    "c",
    { signerName: "kubernetes.io/kube-apiserver-client", expirationSeconds: 86_400 },
    certificateRequest({ commonName: "me", organizations: ["dev"] }),
  );
  await b.create("e", { signerName: "example.com/own" });
  await b.settle();
  assert.equal((await b.get("a")).status?.certificate, undefined);
  for (const name of ["a", "b", "c", "e"]) await b.approve(name);
  await b.settle();
  const made = async (name: string) =>
    new X509Certificate(Buffer.from((await b.get(name)).status?.certificate ?? "", "base64"));
  const lasts: Record<string, [from: number, until: number]> = {};
  for (const [i, name] of ["kubelet-client", "serving", "client"].entries()) {
    const key = ["a", "b", "c"][i] as string;
    const certificate = await made(key);
    const signer = signers[(await b.get(key)).spec.signerName];
    assert.ok(certificate.verify(new X509Certificate(signer?.cert ?? "").publicKey), name);
    lasts[name] = [Date.parse(certificate.validFrom) - start, Date.parse(certificate.validTo) - start];
  }
  // Whole seconds, and what went by until they were signed.
  const near = ([from, until]: [number, number], ms: number): boolean =>
    Math.abs(from + 5 * minuteMs) < 5000 && Math.abs(until - ms) < 5000;
  assert.ok(
    near(lasts["kubelet-client"] as [number, number], 20 * dayMs - 5 * minuteMs),
    JSON.stringify(lasts),
  );
  assert.ok(near(lasts["serving"] as [number, number], hourMs), JSON.stringify(lasts));
  assert.ok(near(lasts["client"] as [number, number], dayMs - 5 * minuteMs), JSON.stringify(lasts));
  assert.equal((await made("b")).subjectAltName, "DNS:n, IP Address:10.0.0.1");
  assert.equal((await b.get("e")).status?.certificate, undefined);
});

test("what a signer does not sign fails with the reason", async (t) => {
  const signer = certificateAuthority(start - dayMs, start + dayMs);
  const b = await bench(t, [
    certificateSigner({ signers: Object.fromEntries(signerNames.map((name) => [name, signer])) }),
  ]);
  const cases: [name: string, signer: string, names: RequestedNames, usages: string[], message: string][] = [
    [
      "a",
      kubelet,
      { ...node, organizations: ["x"] },
      clientUsages,
      "subject organization is not system:nodes",
    ],
    ["b", kubelet, { ...node, dnsNames: ["n"] }, clientUsages, "DNS subjectAltNames are not allowed"],
    [
      "c",
      kubelet,
      { ...node, commonName: "n" },
      clientUsages,
      "subject common name does not begin with system:node:",
    ],
    [
      "d",
      kubelet,
      node,
      ["client auth"],
      "usages did not match [client auth digital signature key encipherment]",
    ],
    [
      "e",
      "kubernetes.io/kubelet-serving",
      node,
      ["digital signature", "server auth"],
      "DNS or IP subjectAltName is required",
    ],
    [
      "f",
      "kubernetes.io/kube-apiserver-client",
      node,
      ["server auth"],
      "invalid usage for client certificate: server auth",
    ],
    [
      "g",
      "kubernetes.io/kube-apiserver-client",
      node,
      ["digital signature"],
      "missing required usage for client certificate: client auth",
    ],
  ];
  for (const [name, signerName, names, usages] of cases) {
    await b.create(name, { signerName, usages }, certificateRequest(names));
    await b.approve(name);
  }
  // Who does not have the key cannot even ask.
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  await assert.rejects(
    b.create("unsigned", {}, certificateRequest(node, other)),
    /ECDSA verification failure/,
  );
  await b.settle();
  for (const [name, , , , message] of cases)
    assert.deepEqual(reasonOf(await b.get(name))?.[1], ["Failed", "SignerValidationFailure", message], name);
});

test("certificates end with who signs them", async (t) => {
  const signers = { [kubelet]: certificateAuthority(start - dayMs, start + dayMs) };
  const b = await bench(t, [certificateSigner({ signers })]);
  await b.create("a", {});
  await b.approve("a");
  await b.settle();
  const made = new X509Certificate(Buffer.from((await b.get("a")).status?.certificate ?? "", "base64"));
  assert.equal(Date.parse(made.validTo), start + dayMs);
});

test("requests that are done with go after an hour, those nobody does anything about after a day", async (t) => {
  const signers = { [kubelet]: certificateAuthority(start - dayMs, start + 100 * dayMs) };
  const b = await bench(t, [certificateSigner({ signers }), runCertificateCleaner]);
  await b.create("signed", {});
  await b.approve("signed");
  await b.create("denied", {});
  await b.approve("denied", "Denied");
  await b.create("waiting", {});
  await b.create("foreign", { signerName: "example.com/own" });
  await b.approve("foreign");
  await b.settle();
  const left = async (): Promise<string[]> =>
    (await b.requests.list()).items.map(({ metadata }) => metadata?.name ?? "");
  await b.clock.run(hourMs - 10 * minuteMs);
  assert.deepEqual(await left(), ["denied", "foreign", "signed", "waiting"]);
  await b.clock.run(10 * minuteMs);
  await b.settle();
  assert.deepEqual(await left(), ["foreign", "waiting"]);
  await b.clock.run(dayMs);
  await b.settle();
  assert.deepEqual(await left(), []);
  await assert.rejects(b.get("signed"), (error) => isReason(error, "NotFound"));
});
