import assert from "node:assert/strict";
import { test } from "node:test";
import { planRevision, templateOf } from "./plan.ts";

const template = {
  spec: { restartPolicy: "Always", containers: [{ name: "app", image: "app:1" }] },
  metadata: { labels: { b: "2", a: "1" } },
};
const owner = (name: string) => ({
  object: { metadata: { name, namespace: "default", uid: "u" }, spec: { template } },
  kind: "DaemonSet",
  hashLabel: "controller-revision-hash",
  collisionCount: undefined,
});

test("the data of a revision is written as Go marshals a map, keys in order", () => {
  const { update, create } = planRevision(owner("web"), []);
  assert.equal(create, true);
  assert.equal(
    JSON.stringify(update.data),
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"1","b":"2"}},' +
      '"spec":{"containers":[{"image":"app:1","name":"app"}],"restartPolicy":"Always"}}}}',
  );
  assert.deepEqual(templateOf(update), template);
});

test("a template that came back finds its revision again, and makes it the newest", () => {
  const first = planRevision(owner("web"), []).update;
  const other = { ...first, metadata: { name: "web-2" }, data: {}, revision: 2 };
  const plan = planRevision(owner("web"), [first, other]);
  assert.deepEqual([plan.create, plan.bump, plan.update.revision], [false, true, 3]);
  assert.equal(plan.update.metadata?.name, first.metadata?.name);
});
