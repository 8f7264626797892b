import { connect } from "node:net";
import type { Clock, Logger } from "../../machinery/index.ts";
import { UnaryGrpc } from "../network/unary-grpc.ts";
import { newUid } from "../uid.ts";
import { readTracingConfig } from "./config.ts";
import { exportMethod, exportRequest } from "./otlp.ts";
import { Tracer } from "./tracer.ts";

/** Time limit of an export, as in OpenTelemetry's exporters. */
const exportMs = 10_000;

export interface Tracing {
  tracer: Tracer;
  /** Exports pending spans and closes the connection. */
  close(): Promise<void>;
}

/** `value`: a TracingConfiguration. Throws with all its mistakes. The collector need not be running yet. */
export function openTracing(value: unknown, { clock, log }: { clock: Clock; log: Logger }): Tracing {
  const { address, samplingRatePerMillion } = readTracingConfig(value);
  const authority = "path" in address ? "localhost" : `${address.host}:${address.port}`;
  const grpc = new UnaryGrpc(
    () => ("path" in address ? connect(address.path) : connect(address.port, address.host)),
    exportMs,
    authority,
  );
  const resource = { "service.name": "apiserver", "service.instance.id": newUid() };
  const tracer = new Tracer({
    clock,
    log,
    samplingRatePerMillion,
    async send(spans) {
      await grpc.call(exportMethod, exportRequest(spans, resource));
    },
  });
  return {
    tracer,
    async close() {
      await tracer.close();
      grpc.close();
    },
  };
}
