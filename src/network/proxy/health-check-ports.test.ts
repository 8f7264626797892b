import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../../api/index.ts";
import { silentLogger } from "../../machinery/index.ts";
import { freePort } from "../../testing/index.ts";
import { HealthCheckPorts } from "./health-check-ports.ts";

test("the port says how many endpoints are here, and goes with its Service", async () => {
  const port = await freePort();
  const service: Service = {
    metadata: { name: "web", namespace: "default" },
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: port },
  };
  const checks = new HealthCheckPorts(silentLogger);
  try {
    checks.sync([service], new Map([["default/web", 2]]));
    const good = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.equal(good.status, 200);
    assert.deepEqual(await good.json(), {
      service: { namespace: "default", name: "web" },
      localEndpoints: 2,
      serviceProxyHealthy: true,
    });
    checks.sync([service], new Map());
    assert.equal(
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).status,
      503,
    );
  } finally {
    checks.close();
  }
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
});
