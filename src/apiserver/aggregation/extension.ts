import type { APIService } from "../../api/index.ts";
import type { Priority } from "../registry/priorities.ts";

/** An APIService with a Service: a group and version that an extension server serves. */
export interface Extension {
  /** `v1beta1.metrics.k8s.io` */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** PEM; undefined: the system's authorities. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly available: boolean;
  readonly priority: Priority;
}

/** undefined when it is served locally. */
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

/** APIServices with the same Service have the same server. */
export const serverKey = ({ service }: Extension): string =>
  `${service.namespace}/${service.name}:${service.port}`;

/** The root path of the version. The core group is served as a whole or not at all. */
export const rootPath = ({ group, version }: Extension): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
