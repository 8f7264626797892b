import { type ApiServer, type ApiServerOptions, createApiServer } from "../apiserver/index.ts";
import type { ApiTransport } from "../client/index.ts";
import { type Clock, silentLogger } from "../machinery/index.ts";
import { openMemoryStore } from "../store/index.ts";

export interface TestApi {
  server: ApiServer;
  /** As a member of system:masters. */
  transport: ApiTransport;
  close(): Promise<void>;
}

/** The real API server over a store in memory, with all requests allowed. */
export async function openTestApi(
  clock: Clock,
  options: Pick<Partial<ApiServerOptions>, "admission" | "runtimeConfig" | "special"> = {},
): Promise<TestApi> {
  const store = await openMemoryStore({ clock });
  let dice = 1;
  const server = await createApiServer({
    store,
    clock,
    log: silentLogger,
    random: () => (dice = (dice * 16807) % 2147483647) / 2147483647,
    authenticator: {
      authenticate: ({ peer }) =>
        Promise.resolve({ name: peer.certificate?.commonName ?? "test", groups: ["system:masters"] }),
    },
    authorizer: { authorize: () => Promise.resolve({ allowed: true, reason: "" }) },
    network: { serviceCidr: "10.96.0.0/16" },
    ...options,
  });
  const transport = server.localTransport({
    address: "local",
    certificate: { commonName: "test", organizations: ["system:masters"] },
  });
  return {
    server,
    transport,
    async close() {
      await transport.close();
      await server.close();
      await store.close();
    },
  };
}
