/** Flags of the record of requests, named as kube-apiserver names them. */
import { resolve } from "node:path";
import type { AuditFiles } from "../../cluster/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";

export const auditFlags: readonly FlagSpec[] = [
  {
    long: "audit-policy-file",
    type: "string",
    help: "audit policy (audit.k8s.io/v1): which requests are recorded, and how much of each",
  },
  {
    long: "audit-log-path",
    type: "string",
    help: "file of the record, a JSON event a line; - is standard output",
  },
  { long: "audit-log-maxsize", type: "int", help: "MiB after which the file is put aside; default 100" },
  { long: "audit-log-maxbackup", type: "int", help: "how many such files are kept; default all" },
  { long: "audit-log-maxage", type: "int", help: "days they are kept; default for ever" },
  {
    long: "audit-max-event-size",
    type: "int",
    help: "bytes of an event beyond which the objects are left out; default: never",
  },
  {
    long: "audit-webhook-config-file",
    type: "string",
    help: "kubeconfig of a server that gets the events in batches",
  },
  { long: "audit-webhook-batch-max-size", type: "int", help: "events in one batch; default 400" },
  { long: "audit-webhook-batch-max-wait", type: "int", help: "seconds until a batch is sent; default 30" },
];

const absolute = (path: string): string => (path === "-" ? path : resolve(path));

/** undefined: no record. Files become absolute. */
export function auditOf(flags: Flags): AuditFiles | undefined {
  const policyFile = flags.text("audit-policy-file");
  const path = flags.text("audit-log-path");
  const kubeconfig = flags.text("audit-webhook-config-file");
  if (!policyFile) return undefined;
  const given = <K extends string>(name: K, value: number | undefined): { [key in K]?: number } =>
    (value === undefined ? {} : { [name]: value }) as { [key in K]?: number };
  const waitSeconds = flags.int("audit-webhook-batch-max-wait");
  return {
    policyFile: absolute(policyFile),
    ...given("maxEventBytes", flags.int("audit-max-event-size")),
    ...(path
      ? {
          log: {
            path: absolute(path),
            ...given("maxSizeMb", flags.int("audit-log-maxsize")),
            ...given("maxBackups", flags.int("audit-log-maxbackup")),
            ...given("maxAgeDays", flags.int("audit-log-maxage")),
          },
        }
      : {}),
    ...(kubeconfig
      ? {
          webhook: {
            kubeconfig: absolute(kubeconfig),
            ...given("maxBatch", flags.int("audit-webhook-batch-max-size")),
            ...given("maxWaitMs", waitSeconds === undefined ? undefined : waitSeconds * 1000),
          },
        }
      : {}),
  };
}
