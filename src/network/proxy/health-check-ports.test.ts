import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Service } from "../../api/index.ts";
import { silentLogger } from "../../machinery/index.ts";
import { HealthCheckPorts } from "./health-check-ports.ts";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

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
