import assert from "node:assert/strict";
import { test } from "node:test";
import { builtImagesAnnotation, withBuiltImages } from "./built-images.ts";

const deployment = (image: string): Parameters<typeof withBuiltImages>[0] & { spec: object } => ({
  kind: "Deployment",
  spec: {
    replicas: 1,
    template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image }] } },
  },
});

test("a pod template is marked by the images built for it, and the mark follows their content", () => {
  const mark = (id: string): string => {
    const marked = withBuiltImages(deployment("web"), [{ image: "web", id }]) as ReturnType<
      typeof deployment
    > & {
      spec: {
        replicas: number;
        template: { metadata: { annotations: Record<string, string>; labels: object } };
      };
    };
    assert.equal(marked.spec.replicas, 1);
    assert.deepEqual(marked.spec.template.metadata.labels, { a: "b" });
    return marked.spec.template.metadata.annotations[builtImagesAnnotation] ?? "";
  };
  assert.equal(mark("sha256:1"), mark("sha256:1"));
  assert.notEqual(mark("sha256:1"), mark("sha256:2"));
});

test("objects that use none of the built images stay as they are", () => {
  const other = deployment("nginx");
  assert.equal(withBuiltImages(other, [{ image: "web", id: "sha256:1" }]), other);
  const service = { kind: "Service" };
  assert.equal(withBuiltImages(service, [{ image: "web", id: "sha256:1" }]), service);
});
