import { createHash } from "node:crypto";
import { StatusError } from "../../../machinery/index.ts";
import type { Authenticator, Credentials, ObjectReader, Peer, UserInfo } from "../../auth-contract.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

const authenticated = "system:authenticated";
const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Who a client certificate says it is: the common name, and each organization is a group. */
function certificateUser(certificate: NonNullable<Peer["certificate"]>): UserInfo {
  const { commonName, organizations, fingerprint } = certificate;
  return {
    name: commonName,
    groups: [...organizations, authenticated],
    ...(fingerprint
      ? { extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] } }
      : {}),
  };
}

const bearer = /^Bearer +([^\s]+) *$/i;

/** Client certificates, then bearer tokens: fixed ones, and ServiceAccounts'. */
export class CredentialAuthenticator implements Authenticator {
  readonly #tokens: ServiceAccountTokens;
  /** SHA-256 of the token to its user, so that comparing takes the same time whatever was guessed. */
  readonly #fixed: ReadonlyMap<string, UserInfo>;
  /** The same certificate gives the same UserInfo object: decisions are remembered per object. */
  #users = new Map<string, UserInfo>();

  constructor(tokens: ServiceAccountTokens, fixedTokens: ReadonlyMap<string, UserInfo> = new Map()) {
    this.#tokens = tokens;
    this.#fixed = new Map(
      [...fixedTokens].map(([token, user]) => [
        digest(token),
        { ...user, groups: [...new Set([...user.groups, authenticated])] },
      ]),
    );
  }

  attach(objects: ObjectReader): void {
    this.#tokens.attach(objects);
  }

  authenticate(request: Credentials): UserInfo | undefined {
    const { certificate } = request.peer;
    if (certificate) return this.#remembered(certificate);
    const header = request.headers["authorization"];
    if (header === undefined) return undefined;
    const token = bearer.exec(header)?.[1];
    if (token === undefined) return undefined; // not a scheme of ours: anonymous, as Kubernetes has it
    const fixed = this.#fixed.get(digest(token));
    if (fixed) return fixed;
    try {
      const verified = this.#tokens.verify(token);
      if (verified) return verified.user;
    } catch (cause) {
      // Why is not told to whoever brought it.
      throw new StatusError("Unauthorized", "Unauthorized", { cause });
    }
    throw new StatusError("Unauthorized", "Unauthorized");
  }

  #remembered(certificate: NonNullable<Peer["certificate"]>): UserInfo {
    const key =
      certificate.fingerprint ?? JSON.stringify([certificate.commonName, ...certificate.organizations]);
    let user = this.#users.get(key);
    if (!user) {
      if (this.#users.size > 1000) this.#users.clear();
      user = certificateUser(certificate);
      this.#users.set(key, user);
    }
    return user;
  }
}
