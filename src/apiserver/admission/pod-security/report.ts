import type { Evaluated, PodSecurityMetrics } from "../../metrics/pod-security.ts";
import { versionInfo } from "../../version.ts";
import type { AdmissionRequest } from "../chain.ts";
import type { Subject, Violation } from "./check.ts";
import { type LevelVersion, showLevel } from "./policy.ts";
import { showDetails, violations } from "./standards.ts";

/** Prefix of annotations in the audit log. */
export const auditPrefix = "pod-security.kubernetes.io/";

/** Later versions are unknown here. */
const newestMinor = Number(versionInfo.minor);

/** Counts the violations in the pod or template of one request, warns the client and records them in the audit log. */
export class Report {
  readonly #meters: PodSecurityMetrics;
  readonly #request: AdmissionRequest;
  readonly #resource: Evaluated["resource"];

  constructor(meters: PodSecurityMetrics, request: AdmissionRequest, resource: Evaluated["resource"]) {
    this.#meters = meters;
    this.#request = request;
    this.#resource = resource;
  }

  /** The labels of the namespace are invalid. */
  unreadable(): void {
    const { operation, subresource } = this.#request;
    this.#meters.unreadable({ operation, resource: this.#resource, subresource });
  }

  /** Only counts; the caller refuses. */
  enforced(level: LevelVersion, found: readonly Violation[]): void {
    this.#count("enforce", found.length > 0 ? "deny" : "allow", level);
  }

  warned(level: LevelVersion, found: readonly Violation[]): void {
    if (found.length === 0) return;
    this.#count("warn", "deny", level);
    this.#request.warnings.push(wouldViolate(level, found));
  }

  audited(level: LevelVersion, subject: Subject): void {
    const { audit } = this.#request;
    if (!audit || level.level === "privileged") return;
    const found = violations(level, subject);
    if (found.length === 0) return;
    this.#count("audit", "deny", level);
    audit.annotate(`${auditPrefix}audit-violations`, wouldViolate(level, found));
  }

  #count(mode: Evaluated["mode"], decision: Evaluated["decision"], { level, minor }: LevelVersion): void {
    const { operation, subresource } = this.#request;
    const named = minor > newestMinor ? "future" : `v1.${minor}`;
    const version = minor === Number.POSITIVE_INFINITY || level === "privileged" ? "latest" : named;
    this.#meters.evaluated({
      decision,
      level,
      version,
      mode,
      operation,
      resource: this.#resource,
      subresource,
    });
  }
}

const wouldViolate = (level: LevelVersion, found: readonly Violation[]): string =>
  `would violate PodSecurity "${showLevel(level)}": ${showDetails(found)}`;
