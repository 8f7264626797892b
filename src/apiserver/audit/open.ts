import { readFile } from "node:fs/promises";
import { type Clock, type Logger, parseYamlDocuments } from "../../machinery/index.ts";
import { postByKubeconfig } from "../network/post-json.ts";
import { Audit } from "./audit.ts";
import { Buffered } from "./buffered.ts";
import type { AuditBackend, Loss } from "./event.ts";
import { forgiving } from "./forgiving.ts";
import { logBackend, standardOutput } from "./log-backend.ts";
import { type AuditFiles, deliveryOf, initialBackoffMs, logDefaults } from "./options.ts";
import { AuditPolicy } from "./policy.ts";
import { RotatingFile } from "./rotating-file.ts";
import { truncated } from "./truncated.ts";
import { webhookBackend } from "./webhook-backend.ts";

interface OpenContext {
  clock: Clock;
  log: Logger;
  random: () => number;
}

/** Throws an Error with the policy's mistakes. */
export async function openAudit(files: AuditFiles, context: OpenContext): Promise<Audit> {
  const { policyFile } = files;
  const { clock, log } = context;
  const now = (): number => clock.now();
  // Mistakes are reported before files are opened.
  const policy = new AuditPolicy(
    parseYamlDocuments(await readFile(policyFile, "utf8"), policyFile)[0]?.value,
  );
  let failures = 0;
  const lost: Loss = (plugin, events, error) => {
    audit.lost(plugin, events);
    if (failures++ % 1000 === 0)
      log.error("audit events could not be recorded", { plugin, events, error, failures });
  };
  const audit: Audit = new Audit({ policy, backends: backendsOf(files, { ...context, lost }), now });
  return audit;
}

function backendsOf(
  { log, webhook }: AuditFiles,
  context: OpenContext & { lost: Loss },
): readonly AuditBackend[] {
  const { clock, lost, random } = context;
  const delivered = (plugin: "log" | "webhook", backend: AuditBackend): AuditBackend => {
    const { mode, batch, truncateEnabled, truncate } = deliveryOf(plugin, plugin === "log" ? log : webhook);
    const waiting =
      mode === "batch"
        ? new Buffered(backend, batch, { clock, lost })
        : mode === "blocking"
          ? forgiving(backend)
          : backend;
    return truncateEnabled ? truncated(waiting, truncate, lost) : waiting;
  };
  const backends: AuditBackend[] = [];
  if (log) {
    const { path, format, compress = false } = log;
    const failed = (error: unknown): void =>
      context.log.error("audit logs put aside could not be looked after", { error });
    const writer =
      path === "-"
        ? standardOutput
        : new RotatingFile({ ...logDefaults, ...log, compress, now: () => clock.now(), failed });
    backends.push(delivered("log", logBackend(writer, { lost, ...(format ? { format } : {}) })));
  }
  if (webhook) {
    const post = postByKubeconfig(webhook.kubeconfig);
    const first = webhook.initialBackoffMs ?? initialBackoffMs;
    backends.push(
      delivered("webhook", webhookBackend({ post, clock, random, initialBackoffMs: first, lost })),
    );
  }
  return backends;
}
