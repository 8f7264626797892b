/** A conversion webhook on loopback, and a definition that uses it. Imported by tests alone. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { parseExact, stringifyExact } from "../../machinery/index.ts";
import { until } from "../../testing/index.ts";
import { ca, serverCert, serverKey } from "./certificates.ts";
import { type Harness, startHarness } from "./harness.ts";

// biome-ignore lint: objects and reviews are looked into freely
type Any = any;

export const caBundle = Buffer.from(ca).toString("base64");

export interface ConversionHook {
  url: string;
  /** Every review so far, oldest first. */
  reviews: Any[];
  /** The `traceparent` that came with each; undefined without one. */
  traces: unknown[];
  /** What is answered; `undefined` never answers. Settable. */
  answer: (review: Any) => Any;
  /** Which objects were converted to what since the last call: `v2<-v1:a,b`. */
  asked(): string[];
}

/** v1 has `spec.hostPort`, other versions `spec.host` and `spec.port`; v1 knows no `spec.extra`. */
function converted(object: Any, apiVersion: string): Any {
  const { hostPort, host, port, extra, ...spec } = object.spec ?? {};
  const [left, right] = String(hostPort ?? "").split(":");
  const old = apiVersion.endsWith("/v1");
  const own = old
    ? { hostPort: hostPort ?? `${host}:${port}` }
    : { host: host ?? left, port: port ?? right, ...(extra === undefined ? {} : { extra }) };
  return { ...object, apiVersion, spec: { ...spec, ...own } };
}

export function goodAnswer(review: Any): Any {
  const { uid, objects, desiredAPIVersion } = review.request;
  return {
    kind: review.kind,
    apiVersion: review.apiVersion,
    response: {
      uid,
      convertedObjects: objects.map((each: Any) => converted(each, desiredAPIVersion)),
      result: { status: "Success" },
    },
  };
}

export const failing =
  (message: string) =>
  (review: Any): Any => ({
    ...goodAnswer(review),
    response: { uid: review.request.uid, result: { status: "Failure", message } },
  });

export async function conversionHook(t: TestContext): Promise<ConversionHook> {
  const reviews: Any[] = [];
  let seen = 0;
  const hook: ConversionHook = {
    url: "",
    reviews,
    traces: [],
    answer: goodAnswer,
    asked() {
      const texts = reviews.slice(seen).map(({ request }) => {
        const names = request.objects.map((each: Any) => each.metadata.name).join();
        const from = request.objects[0].apiVersion.split("/")[1];
        return `${request.desiredAPIVersion.split("/")[1]}<-${from}:${names}`;
      });
      seen = reviews.length;
      return texts;
    },
  };
  const server = createServer({ key: serverKey, cert: serverCert }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const review = parseExact(Buffer.concat(parts).toString());
      reviews.push(review);
      hook.traces.push(request.headers.traceparent);
      const said = hook.answer(review);
      if (said !== undefined)
        response.setHeader("content-type", "application/json").end(stringifyExact(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  hook.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/convert`;
  return hook;
}

export const group = "conversion.example.com";
export const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
export const definition = `${crds}/things.${group}`;
export const things = (version: string): string => `/apis/${group}/${version}/namespaces/default/things`;
export const mergePatch = { "content-type": "application/merge-patch+json" };
export const applyPatch = { "content-type": "application/apply-patch+yaml" };

const text = { type: "string" };

const version = (name: string, storage: boolean, spec: object, more: object): object => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: { replicas: { type: "integer" }, size: { type: "integer" }, ...spec },
        },
        status: { type: "object", properties: { phase: text, replicas: { type: "integer" } } },
      },
    },
  },
  subresources: {
    status: {},
    scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
  },
  ...more,
});

/** v1 is stored. */
export const thingVersions = (stored = "v1"): object[] => [
  version(
    "v1",
    stored === "v1",
    { hostPort: text, mode: { ...text, default: "one" } },
    {
      selectableFields: [{ jsonPath: ".spec.hostPort" }],
      additionalPrinterColumns: [{ name: "HostPort", type: "string", jsonPath: ".spec.hostPort" }],
    },
  ),
  version(
    "v2",
    stored === "v2",
    { host: text, port: text, mode: text, extra: { ...text, default: "two" } },
    {
      selectableFields: [{ jsonPath: ".spec.host" }],
      additionalPrinterColumns: [{ name: "Host", type: "string", jsonPath: ".spec.host" }],
    },
  ),
];

export const thingDefinition = (url: string, reviewVersions = ["v1"]): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    conversion: {
      strategy: "Webhook",
      webhook: { clientConfig: { url, caBundle }, conversionReviewVersions: reviewVersions },
    },
    versions: thingVersions(),
  },
});

export const thing = (
  apiVersion: string,
  name: string,
  spec: object,
  metadata: object = {},
): Record<string, unknown> => ({
  apiVersion: `${group}/${apiVersion}`,
  kind: "Thing",
  metadata: { name, ...metadata },
  spec,
});

/** A server with the definition, served. */
export async function withThings(
  t: TestContext,
  hook: ConversionHook,
  options?: Parameters<typeof startHarness>[0],
  body: object = thingDefinition(hook.url),
): Promise<Harness> {
  const h = await startHarness(options);
  t.after(() => h.close());
  const made = await h.call("POST", crds, body);
  if (made.status !== 201) throw new Error(made.text);
  await until("v2", async () => (await h.call("GET", things("v2"))).status === 200);
  return h;
}
