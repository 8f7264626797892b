/** Flags of the record of requests, named as kube-apiserver names them. */
import type { AuditFiles } from "../../cluster/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";
import { fileOf, given } from "./flag-values.ts";

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

/** undefined: no record. */
export function auditOf(flags: Flags): AuditFiles | undefined {
  const policyFile = fileOf(flags, "audit-policy-file");
  const path = fileOf(flags, "audit-log-path");
  const kubeconfig = fileOf(flags, "audit-webhook-config-file");
  if (!policyFile) return undefined;
  const waitSeconds = flags.int("audit-webhook-batch-max-wait");
  return given({
    policyFile,
    maxEventBytes: flags.int("audit-max-event-size"),
    log: path
      ? given({
          path,
          maxSizeMb: flags.int("audit-log-maxsize"),
          maxBackups: flags.int("audit-log-maxbackup"),
          maxAgeDays: flags.int("audit-log-maxage"),
        })
      : undefined,
    webhook: kubeconfig
      ? given({
          kubeconfig,
          maxBatch: flags.int("audit-webhook-batch-max-size"),
          maxWaitMs: waitSeconds === undefined ? undefined : waitSeconds * 1000,
        })
      : undefined,
  });
}
