import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { buildFolder, folderImages, imageFolder } from "./folder.ts";
import { temporaryDirectory, temporaryStore } from "./testing/fixture.ts";

describe("a folder of manifests with its images", () => {
  it("builds what the manifests name and the folder has, with the tag as argument", async (t) => {
    const dir = temporaryDirectory(t);
    for (const name of ["web", "unused"]) {
      mkdirSync(`${dir}/${name}`);
      writeFileSync(`${dir}/${name}/Dockerfile`, "FROM scratch\nARG IMAGE_TAG\nLABEL tag=$IMAGE_TAG\n");
    }
    writeFileSync(
      `${dir}/a.yaml`,
      `kind: Deployment
spec: {template: {spec: {initContainers: [{image: "my.registry/team/web:blue"}], containers: [{image: web}, {image: redis}, {image: "NOT VALID"}]}}}
---
kind: List
items: [{kind: Pod, spec: {containers: [{image: "web:green"}, {image: web}]}}]
`,
    );
    const store = await temporaryStore(t);
    const built = await buildFolder(dir, store);
    assert.deepEqual(
      built.map(({ image, context, cached }) => [image, context, cached]),
      [
        ["my.registry/team/web:blue", `${dir}/web`, false],
        ["web", `${dir}/web`, false],
        ["web:green", `${dir}/web`, false],
      ],
    );
    assert.equal((await store.inspect("web:green"))?.config.config?.Labels?.tag, "green");
    assert.ok((await buildFolder(dir, store)).every((image) => image.cached));
    writeFileSync(`${dir}/web/Dockerfile`, "FROM scratch\nLABEL new=yes\n");
    assert.deepEqual(
      (await buildFolder(dir, store, { images: ["web"] })).map(({ cached, replaced }) => [cached, replaced]),
      [[false, built[1]?.id]],
    );
    assert.equal(imageFolder(dir, "redis"), undefined);
    assert.equal(imageFolder(dir, `web@sha256:${"a".repeat(64)}`), undefined);
  });

  it("finds the folder of every image that the examples name", () => {
    for (const name of ["guestbook", "blue-green", "canary"]) {
      const folder = fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
      const images = folderImages(folder);
      assert.ok(images.length >= 2);
      for (const image of images) assert.notEqual(imageFolder(folder, image), undefined, image);
    }
  });
});
