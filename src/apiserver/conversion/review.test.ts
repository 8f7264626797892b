import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { acceptConverted } from "./converted-object.ts";
import { conversionReview, convertedObjects, reviewVersion } from "./review.ts";

const v1 = "apiextensions.k8s.io/v1";
const v1beta1 = "apiextensions.k8s.io/v1beta1";

const answer = (more: object = {}, response: object | null = {}): object => ({
  apiVersion: v1,
  kind: "ConversionReview",
  ...(response
    ? { response: { uid: "u", result: { status: "Success" }, convertedObjects: [1], ...response } }
    : {}),
  ...more,
});

test("the first version of a review that is spoken is chosen; there must be one", () => {
  assert.equal(reviewVersion(["v7", "v1beta1", "v1"]), v1beta1);
  assert.equal(reviewVersion(["v1"]), v1);
  assert.throws(() => reviewVersion(["v7"]), /^StatusError|no supported conversion review versions/);
  const review = conversionReview(v1, "u", "g/v2", []) as { request: object };
  assert.deepEqual(review.request, { uid: "u", desiredAPIVersion: "g/v2", objects: [] });
});

test("an answer that is no conversion says why", () => {
  const said = (value: unknown, version = v1): string => {
    try {
      return JSON.stringify(convertedObjects(value, version, "u"));
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(said(answer()), "[1]");
  assert.equal(said(answer({}, { convertedObjects: null })), "[]");
  assert.equal(said(answer({}, null)), "no response provided");
  assert.equal(said(answer({}, { uid: "x" })), 'expected response.uid="u", got "x"');
  assert.equal(
    said(answer({ apiVersion: v1beta1 }, { uid: "x" }), v1beta1),
    "[1]",
    "nobody looked before v1",
  );
  assert.equal(said(answer({}, { result: { status: "Failure", message: "no way" } })), "no way");
  assert.equal(
    said(answer({}, { result: { status: "Failure" } })),
    "response.result.status was 'Failure', not 'Success'",
  );
  assert.equal(said(answer({}, { result: {} })), "response.result.status was '', not 'Success'");
  assert.equal(
    said({}),
    "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
  );
  assert.equal(
    said(answer({ kind: "Pod", apiVersion: "v1" })),
    'no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
  );
  assert.equal(
    said(answer({ apiVersion: v1beta1 })),
    "converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion",
  );
  assert.match(said([]), /^couldn't get version\/kind; json parse error: json: cannot unmarshal array into/);
});

const original: KubeObject = {
  apiVersion: "g/v1",
  kind: "Thing",
  metadata: {
    name: "a",
    namespace: "n",
    uid: "id",
    generation: 3,
    finalizers: ["a.b/c"],
    labels: { l: "1" },
    annotations: { an: "1" },
  },
} as KubeObject;

const by = "conversion webhook for g/v1, Kind=Thing";

function said(change: (object: Record<string, unknown>, metadata: Record<string, unknown>) => void): string {
  const value = structuredClone({ ...original, apiVersion: "g/v2" }) as unknown as Record<string, unknown>;
  change(value, value.metadata as Record<string, unknown>);
  try {
    return JSON.stringify(acceptConverted(original, value, "g/v2", by).metadata);
  } catch (error) {
    return (error as Error).message;
  }
}

test("labels and annotations are the webhook's to change, and nothing else of the metadata", () => {
  const { labels: _l, annotations: _a, ...kept } = original.metadata ?? {};
  const changed = said((_, metadata) => {
    metadata.labels = { x: "y" };
    delete metadata.annotations;
    metadata.generation = 99;
    metadata.finalizers = [];
    metadata.creationTimestamp = null;
  });
  assert.deepEqual(JSON.parse(changed), { ...kept, labels: { x: "y" } });
  assert.equal(original.metadata?.generation, 3);
});

test("another object than was asked for is refused", () => {
  const refused: [string, Parameters<typeof said>[0]][] = [
    [
      " returned invalid object at index 0: invalid groupVersion (expected g/v2, received g/v3)",
      (object) => {
        object.apiVersion = "g/v3";
      },
    ],
    [
      " returned invalid object at index 0: invalid kind (expected Thing, received Other)",
      (object) => {
        object.kind = "Other";
      },
    ],
    [
      " returned invalid object: must have the same name: a != b",
      (_, metadata) => {
        metadata.name = "b";
      },
    ],
    [
      " returned invalid object: must have the same namespace: n != ",
      (_, metadata) => {
        delete metadata.namespace;
      },
    ],
    [
      " returned invalid object: must have the same UID: id != other",
      (_, metadata) => {
        metadata.uid = "other";
      },
    ],
    [
      " returned invalid object: must have the same name: a != ",
      (object) => {
        delete object.metadata;
      },
    ],
    [
      " returned invalid metadata: invalid metadata.labels of type string in converted object",
      (_, metadata) => {
        metadata.labels = "x";
      },
    ],
    [
      " returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object",
      (_, metadata) => {
        metadata.labels = { a: 1 };
      },
    ],
    [
      " returned invalid metadata: metadata.annotations[a] must be a string, but is <nil> in converted object",
      (_, metadata) => {
        metadata.annotations = { a: null };
      },
    ],
  ];
  for (const [message, change] of refused) assert.equal(said(change), `${by}${message}`);
  assert.match(
    said((_, metadata) => {
      metadata.labels = { "-a b": "v", c: "-" };
    }),
    /returned invalid metadata: \[metadata\.labels: Invalid value: "-a b": name part .*, metadata\.labels: Invalid value: "-": a valid label/,
  );
  const accept = (value: unknown) => () => acceptConverted(original, value, "g/v2", by);
  assert.throws(accept(null), /^Error: unexpected end of JSON input$/);
  assert.throws(accept("x"), /^Error: json: cannot unmarshal string into Go value of type map/);
  assert.throws(accept({}), /^Error: Object 'Kind' is missing in '\{\}'$/);
});
