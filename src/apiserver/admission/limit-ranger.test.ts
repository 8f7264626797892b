import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../testing/harness.ts";

let h: Harness;
const pods = "/api/v1/namespaces/default/pods";
before(async () => {
  h = await startHarness();
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const made = await h.call("POST", "/api/v1/namespaces/default/limitranges", {
    metadata: { name: "limits" },
    spec: {
      limits: [
        {
          type: "Container",
          min: { cpu: "50m" },
          max: { cpu: "500m" },
          default: { cpu: "300m", memory: "64Mi" },
          defaultRequest: { cpu: "100m" },
        },
        { type: "PersistentVolumeClaim", max: { storage: "1Gi" } },
      ],
    },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
});
after(() => h.close());

const withResources = (name: string, resources: object): object => {
  const made = pod(name) as { spec: { containers: object[] } };
  return {
    ...made,
    spec: { ...made.spec, containers: made.spec.containers.map((c) => ({ ...c, resources })) },
  };
};

test("containers get what they do not say, and what they say stays", async () => {
  const { body } = await h.call("POST", pods, withResources("filled", { requests: { cpu: "200m" } }));
  const { resources } = body.spec.containers[0];
  assert.equal(resources.requests.cpu, "200m");
  assert.deepEqual(resources.limits, { cpu: "300m", memory: "64Mi" });
  assert.match(
    body.metadata.annotations["kubernetes.io/limit-ranger"],
    /^LimitRanger plugin set: .*cpu, memory limit for container/,
  );
});

test("more or less than allowed is refused, every mistake named", async () => {
  const wrong = withResources("wrong", { requests: { cpu: "10m" }, limits: { cpu: "2" } });
  const { message = "" } = failure(await h.call("POST", pods, wrong), 403);
  assert.match(message, /minimum cpu usage per Container is 50m, but request is 10m/);
  assert.match(message, /maximum cpu usage per Container is 500m, but limit is 2/);
});

test("claims are held to their range too", async () => {
  const claim = {
    metadata: { name: "large" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } },
  };
  const refused = failure(
    await h.call("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim),
    403,
  );
  assert.match(
    refused.message ?? "",
    /maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi/,
  );
});
