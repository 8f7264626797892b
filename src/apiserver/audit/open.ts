import { readFile } from "node:fs/promises";
import { type Clock, type Logger, parseYamlDocuments } from "../../machinery/index.ts";
import { postByKubeconfig } from "../network/post-json.ts";
import { Audit } from "./audit.ts";
import { logBackend } from "./log-backend.ts";
import { webhookBackend } from "./webhook-backend.ts";

/** As the flags of kube-apiserver have it. */
export interface AuditFiles {
  policyFile: string;
  log?: { path: string; maxSizeMb?: number; maxBackups?: number; maxAgeDays?: number };
  webhook?: { kubeconfig: string; maxBatch?: number; maxWaitMs?: number };
  /** Bytes of an event beyond which it is recorded without bodies. */
  maxEventBytes?: number;
}

/** Throws an Error that names the policy's mistakes. */
export async function openAudit(
  { policyFile, log: file, webhook, maxEventBytes }: AuditFiles,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<Audit> {
  const now = (): number => clock.now();
  const policy = parseYamlDocuments(await readFile(policyFile, "utf8"), policyFile)[0]?.value;
  let failures = 0;
  const failed = (plugin: string, error: unknown): void => {
    if (failures++ % 1000 === 0)
      log.error("an audit event could not be recorded", { plugin, error, failures });
  };
  const make = (backends: ConstructorParameters<typeof Audit>[0]["backends"]): Audit =>
    new Audit({ policy, backends, now, failed, ...(maxEventBytes === undefined ? {} : { maxEventBytes }) });
  // Mistakes are said before files are opened.
  make([]);
  const lost = (plugin: "webhook" | "buffered", events: number): void => audit.lost(plugin, events);
  const audit: Audit = make([
    ...(file ? [logBackend({ ...file, now })] : []),
    ...(webhook
      ? [webhookBackend({ ...webhook, post: postByKubeconfig(webhook.kubeconfig), clock, log, lost })]
      : []),
  ]);
  return audit;
}
