import type { APIService } from "../../api/index.ts";
import type { Priority } from "../registry/priorities.ts";

/** A group and version that another server serves: an APIService with a Service, as the proxy needs to know it. */
export interface Extension {
  /** `v1beta1.metrics.k8s.io` */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** PEM; undefined: whom this machine trusts. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly available: boolean;
  readonly priority: Priority;
}

/** undefined: it is served here. */
export function extensionOf(object: APIService): Extension | undefined {
  const { spec, status, metadata } = object;
  if (!spec?.service) return undefined;
  const { namespace = "", name = "", port = 443 } = spec.service;
  return {
    name: metadata?.name ?? "",
    group: spec.group ?? "",
    version: spec.version ?? "",
    service: { namespace, name, port },
    ca: spec.caBundle ? Buffer.from(spec.caBundle, "base64").toString("utf8") : undefined,
    insecure: spec.insecureSkipTLSVerify ?? false,
    available:
      status?.conditions?.some(({ type, status: is }) => type === "Available" && is === "True") ?? false,
    priority: { group: spec.groupPriorityMinimum, version: spec.versionPriority },
  };
}

/** Two that serve by the same Service are one server. */
export const serverKey = ({ service }: Extension): string =>
  `${service.namespace}/${service.name}:${service.port}`;

/** The path everything of it lies below. The core group is served as a whole, or not at all. */
export const rootPath = ({ group, version }: Extension): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
