import { timingSafeEqual } from "node:crypto";
import type { Secret } from "../../../api/index.ts";
import type { Clock } from "../../../machinery/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import { type TokenVerifier, type VerifiedToken, withEverybody } from "./token-verifier.ts";

const shape = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const secretType = "bootstrap.kubernetes.io/token";
const groupShape = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Bootstrap tokens `ID.SECRET`, with which nodes join, each a Secret in kube-system. */
export class BootstrapTokens implements TokenVerifier {
  readonly #clock: Clock;
  #objects: ObjectReader | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(objects: ObjectReader): void {
    this.#objects = objects;
  }

  verify(token: string): VerifiedToken | undefined {
    const [, id, word] = shape.exec(token) ?? [];
    if (id === undefined || word === undefined) return undefined;
    const secret = this.#objects?.get<Secret>("", "secrets", "kube-system", `bootstrap-token-${id}`);
    if (!secret || secret.metadata?.deletionTimestamp || secret.type !== secretType) return undefined;
    const text = (key: string): string => Buffer.from(secret.data?.[key] ?? "", "base64").toString();
    const [given, known] = [Buffer.from(word), Buffer.from(text("token-secret"))];
    if (given.length !== known.length || !timingSafeEqual(given, known)) return undefined;
    if (text("token-id") !== id || text("usage-bootstrap-authentication") !== "true") return undefined;
    if (this.#isOver(text("expiration"))) return undefined;
    const extra = text("auth-extra-groups")
      .split(",")
      .filter((group) => group !== "");
    if (!extra.every((group) => groupShape.test(group))) return undefined;
    const groups = [...new Set(["system:bootstrappers", ...extra])];
    return { user: withEverybody({ name: `system:bootstrap:${id}`, groups }) };
  }

  /** An invalid time counts as expired. */
  #isOver(expiration: string): boolean {
    if (expiration === "") return false;
    const at = Date.parse(expiration);
    return Number.isNaN(at) || at <= this.#clock.now();
  }
}
