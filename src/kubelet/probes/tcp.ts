import { connect } from "node:net";
import type { Clock } from "../../machinery/index.ts";
import { dialError } from "./http.ts";
import type { ProbeOutcome } from "./outcome.ts";

/** Success when a connection can be opened. */
export function probeTcp(host: string, port: number, timeoutMs: number, clock: Clock): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: ProbeOutcome): void => {
      timer.stop();
      socket.destroy();
      resolve(outcome);
    };
    const timer = clock.timer(timeoutMs, () =>
      end({ result: "failure", output: `dial tcp ${host}:${port}: i/o timeout` }),
    );
    socket.on("connect", () => end({ result: "success", output: "" }));
    socket.on("error", (cause) => end({ result: "failure", output: dialError(cause, host, port) }));
  });
}
