/** A kind for tests of custom resources: tabs. Imported by tests alone. */
import assert from "node:assert/strict";
import { until } from "../../testing/index.ts";
import { type Answered, type Harness, startHarness } from "./harness.ts";

export const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
export const group = "/apis/stable.example.com";
export const path = `${group}/v1/namespaces/default/tabs`;

export const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["size"],
      properties: {
        size: { type: "integer", minimum: 1 },
        mode: { type: "string", enum: ["a", "b"], default: "a" },
        replicas: { type: "integer" },
        open: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      },
    },
    status: { type: "object", properties: { phase: { type: "string" }, replicas: { type: "integer" } } },
  },
};

export const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  subresources: {
    status: {},
    scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
  },
  selectableFields: [{ jsonPath: ".spec.mode" }],
  additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
  ...more,
});

export const crd = (versions: object[] = [version("v1")], more: object = {}) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tabs.stable.example.com" },
  spec: {
    group: "stable.example.com",
    scope: "Namespaced",
    names: { plural: "tabs", kind: "Tab", shortNames: ["tb"] },
    versions,
    ...more,
  },
});

export const tab = (name: string, spec: object, more: object = {}) => ({
  apiVersion: "stable.example.com/v1",
  kind: "Tab",
  metadata: { name },
  spec,
  ...more,
});

/** Asks until the answer has the status: what a definition serves follows it in a moment. */
export const answers = (h: Harness, status: number, url: string): Promise<Answered> =>
  until(`${url} answers ${status}`, async () => {
    const answer = await h.call("GET", url);
    return answer.status === status && answer;
  });

export async function withTabs(body: object = crd()): Promise<Harness> {
  const h = await startHarness();
  const made = await h.call("POST", crds, body);
  assert.equal(made.status, 201, made.text);
  await answers(h, 200, path);
  return h;
}
