/** Probes and lifecycle hooks. */
import {
  forbidden,
  invalid,
  isPortName,
  isPortNumber,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, IntOrString, LifecycleHandler, PodSpec, Probe } from "../../generated/types.ts";
import { negativeText } from "../../field-rules.ts";

type Handler = LifecycleHandler & Pick<Probe, "grpc">;

function validatePortReference(port: IntOrString | undefined, path: string, errors: FieldError[]): void {
  if (typeof port === "string") for (const text of isPortName(port)) errors.push(invalid(path, port, text));
  else for (const text of isPortNumber(port ?? 0)) errors.push(invalid(path, port ?? 0, text));
}

function validateHandler(
  handler: Handler,
  grace: number | undefined,
  path: string,
  errors: FieldError[],
): void {
  let found = 0;
  for (const name of ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const) {
    const action = handler[name];
    if (!action) continue;
    if (found++ > 0) {
      errors.push(forbidden(`${path}.${name}`, "may not specify more than 1 handler type"));
      continue;
    }
    const here = `${path}.${name}`;
    if (name === "exec" && !handler.exec?.command?.length) errors.push(required(`${here}.command`));
    else if (name === "httpGet" && handler.httpGet) {
      const { path: url, port, scheme, httpHeaders } = handler.httpGet;
      if (!url) errors.push(required(`${here}.path`));
      validatePortReference(port, `${here}.port`, errors);
      if (scheme !== "HTTP" && scheme !== "HTTPS") {
        errors.push(notSupported(`${here}.scheme`, scheme ?? "", ["HTTP", "HTTPS"]));
      }
      for (const header of httpHeaders ?? []) {
        if (/^[-A-Za-z0-9]+$/.test(header.name ?? "")) continue;
        errors.push(
          invalid(
            `${here}.httpHeaders`,
            header.name ?? "",
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
          ),
        );
      }
    } else if (name === "tcpSocket") validatePortReference(handler.tcpSocket?.port, `${here}.port`, errors);
    else if (name === "grpc") validatePortReference(handler.grpc?.port, `${here}.port`, errors);
    else if (name === "sleep" && grace !== undefined) {
      const seconds = handler.sleep?.seconds ?? 0;
      if (seconds < 0 || seconds > grace) {
        errors.push(
          invalid(
            here,
            seconds,
            `must be non-negative and less than terminationGracePeriodSeconds (${grace})`,
          ),
        );
      }
    }
  }
  if (found === 0) errors.push(required(path, "must specify a handler type"));
}

const counts = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function validateProbe(probe: Probe, path: string, errors: FieldError[]): void {
  validateHandler(probe, undefined, path, errors);
  for (const name of counts) {
    const value = probe[name] ?? 0;
    if (value < 0) errors.push(invalid(`${path}.${name}`, value, negativeText));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  }
}

const windowsSignals = ["SIGKILL", "SIGTERM"];

/** Stop signals are not validated: their feature is off, so they are dropped from new objects. */
function validateStopSignal(
  signal: string,
  os: string | undefined,
  path: string,
  errors: FieldError[],
): void {
  if (os === undefined)
    errors.push(forbidden(path, "may not be set for containers with empty `spec.os.name`"));
  else if (os === "windows" && !windowsSignals.includes(signal))
    errors.push(notSupported(path, signal, windowsSignals));
}

export function validateProbes(
  container: Container,
  { terminationGracePeriodSeconds: grace, os }: PodSpec,
  path: string,
  errors: FieldError[],
): void {
  const { lifecycle } = container;
  if (lifecycle?.postStart)
    validateHandler(lifecycle.postStart, grace, `${path}.lifecycle.postStart`, errors);
  if (lifecycle?.preStop) validateHandler(lifecycle.preStop, grace, `${path}.lifecycle.preStop`, errors);
  if (lifecycle?.stopSignal !== undefined)
    validateStopSignal(lifecycle.stopSignal, os?.name, `${path}.lifecycle.stopSignal`, errors);
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (!probe) continue;
    const here = `${path}.${name}`;
    validateProbe(probe, here, errors);
    if (name === "readinessProbe") {
      const own = probe.terminationGracePeriodSeconds;
      if (own !== undefined) {
        errors.push(
          invalid(`${here}.terminationGracePeriodSeconds`, own, "must not be set for readinessProbes"),
        );
      }
    } else if (probe.successThreshold !== 1) {
      errors.push(invalid(`${here}.successThreshold`, probe.successThreshold ?? 0, "must be 1"));
    }
  }
}
