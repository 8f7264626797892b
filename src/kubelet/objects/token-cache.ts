import type { AuthenticationV1TokenRequest } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import type { Clock } from "../../machinery/index.ts";
import type { TokenRequest } from "../volumes/volume.ts";

interface Token {
  token: string;
  expiresAt: number;
  issuedAt: number;
}

/** ServiceAccount tokens bound to pods, refreshed after 80 % of their lifetime. */
export class TokenCache {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async get(request: TokenRequest): Promise<{ token: string; expiresAt: number }> {
    const key = JSON.stringify([
      request.pod.uid,
      request.serviceAccount,
      request.audience,
      request.expirationSeconds,
    ]);
    const known = this.#tokens.get(key);
    if (known) {
      const token = await known;
      const now = this.#clock.now();
      const due = token.issuedAt + Math.min((token.expiresAt - token.issuedAt) * 0.8, 24 * 3600_000);
      if (now < due) return token;
    }
    const fetched = this.#fetch(request);
    this.#tokens.set(key, fetched);
    try {
      return await fetched;
    } catch (cause) {
      this.#tokens.delete(key);
      throw cause;
    }
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys())
      if (key.startsWith(JSON.stringify([uid]).slice(0, -1))) this.#tokens.delete(key);
  }

  async #fetch(request: TokenRequest): Promise<Token> {
    const answer = await this.#client.serviceAccounts.subresource<AuthenticationV1TokenRequest>(
      request.namespace,
      request.serviceAccount,
      "token",
      "POST",
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: { name: request.serviceAccount, namespace: request.namespace },
        spec: {
          audiences: request.audience ? [request.audience] : [],
          expirationSeconds: request.expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name: request.pod.name, uid: request.pod.uid },
        },
      },
    );
    const status = answer.status;
    if (!status?.token)
      throw new Error(`no token for service account ${request.serviceAccount} was given out`);
    return {
      token: status.token,
      expiresAt:
        Date.parse(status.expirationTimestamp ?? "") || this.#clock.now() + request.expirationSeconds * 1000,
      issuedAt: this.#clock.now(),
    };
  }
}
