import type { Container, LifecycleHandler } from "../../api/index.ts";
import type { RuntimeService } from "../../cri/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { probeHttp } from "../probes/http.ts";
import { httpTarget, resolvePort } from "../probes/prober.ts";
import { probeTcp } from "../probes/tcp.ts";

export interface HookTarget {
  container: Container;
  containerId: string;
  podIp: string;
}

/** Timeout of HTTP hooks; the grace period is usually shorter. */
const hookTimeoutMs = 3600_000;

/** Runs a postStart or preStop hook. Rejects with a message for the user. */
export async function runHook(
  runtime: RuntimeService,
  clock: Clock,
  hook: LifecycleHandler,
  target: HookTarget,
  signal: AbortSignal,
): Promise<void> {
  if (hook.exec) {
    const command = hook.exec.command ?? [];
    const done = await runtime.execSync(target.containerId, command, 0);
    if (done.exitCode !== 0) {
      const output = Buffer.concat([done.stdout, done.stderr]).subarray(0, 1024).toString("utf8");
      throw new Error(
        `Exec lifecycle hook (${JSON.stringify(command)}) for Container "${target.container.name}" failed - error: command '${command.join(" ")}' exited with ${done.exitCode}: ${output}, message: ${JSON.stringify(output)}`,
      );
    }
  } else if (hook.httpGet) {
    const outcome = await probeHttp(
      httpTarget(hook.httpGet, target, hookTimeoutMs),
      clock,
      "kube-lifecycle/1.36",
    );
    // Any response counts as success.
    if (outcome.result !== "success" && !outcome.answered) {
      throw new Error(
        `HTTP lifecycle hook for Container "${target.container.name}" failed - error: ${outcome.output}`,
      );
    }
  } else if (hook.tcpSocket) {
    const port = resolvePort(hook.tcpSocket.port, target.container);
    const outcome = await probeTcp(hook.tcpSocket.host || target.podIp, port, hookTimeoutMs, clock);
    if (outcome.result !== "success") throw new Error(outcome.output);
  } else if (hook.sleep) {
    await clock.sleep(hook.sleep.seconds * 1000, signal);
  }
}
