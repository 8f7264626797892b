/** A webhook server on loopback and its configuration, for tests. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { ca, serverCert, serverKey } from "./certificates.ts";
import { type Harness, startHarness } from "./harness.ts";

export const group = "/apis/admissionregistration.k8s.io/v1";
export const maps = "/api/v1/namespaces/default/configmaps";

// biome-ignore lint: reviews are looked into freely
export type Review = any;
export type Answer = (review: Review["request"], path: string) => object | undefined;

export interface Hooks {
  url: string;
  seen: Review[];
  /** What is waited for before an answer goes out. */
  hold?: (path: string) => Promise<void>;
}

/** A webhook server on loopback; `undefined` never answers. `asked`: hears of the whole URL, of headers, and whose certificate it is. */
export async function webhookServer(
  t: TestContext,
  answer: Answer,
  asked: (url: string, headers: IncomingHttpHeaders, client: string | undefined) => void = () => {},
): Promise<Hooks> {
  const hooks: Hooks = { url: "", seen: [] };
  const { seen } = hooks;
  const tls = { key: serverKey, cert: serverCert, ca, requestCert: true, rejectUnauthorized: false };
  const server: Server = createServer(tls, (request, response) => {
    const { CN: client } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {};
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    const answered = async (): Promise<void> => {
      const review = JSON.parse(Buffer.concat(parts).toString()) as Review;
      asked(request.url ?? "", request.headers, Array.isArray(client) ? client[0] : client);
      const path = (request.url ?? "").split("?")[0] ?? "";
      seen.push({ ...review.request, path });
      const said = answer(review.request, path);
      await hooks.hold?.(path);
      if (!said) return;
      const body = {
        kind: "AdmissionReview",
        apiVersion: "admission.k8s.io/v1",
        response: { uid: review.request.uid, ...said },
      };
      response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    };
    request.on("end", () => void answered());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  hooks.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hooks;
}

export async function serve(t: TestContext, options?: Parameters<typeof startHarness>[0]): Promise<Harness> {
  const h = await startHarness(options);
  t.after(() => h.close());
  return h;
}

export const hook = (name: string, url: string, more: object = {}) => ({
  name: `${name}.example.com`,
  clientConfig: { url, caBundle: Buffer.from(ca).toString("base64") },
  rules: [
    { operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] },
  ],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  timeoutSeconds: 30,
  ...more,
});

export async function configure(
  h: Harness,
  kind: "Mutating" | "Validating",
  name: string,
  webhooks: object[],
): Promise<void> {
  const made = await h.call("POST", `${group}/${kind.toLowerCase()}webhookconfigurations`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks,
  });
  assert.equal(made.status, 201, made.text);
}

export const patchOf = (operations: object[]) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});
