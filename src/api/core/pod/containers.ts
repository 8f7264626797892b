/** Containers, init containers and ephemeral containers of a pod. */
import {
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isPortName,
  isPortNumber,
  notFound,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, ContainerPort, PodSpec, SecurityContext } from "../../generated/types.ts";
import { validateEnv, validateEnvFrom } from "./environment.ts";
import { validateProbes } from "./probes.ts";
import { validateResources } from "./resources.ts";
import { validateMounts } from "./volumes.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["File", "FallbackToLogsOnError"];
const idText = "must be between 0 and 2147483647, inclusive";
const isId = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 2147483647;

export function validateId(value: number | undefined, path: string, errors: FieldError[]): void {
  if (value !== undefined && !isId(value)) errors.push(invalid(path, value, idText));
}

function validatePorts(
  ports: readonly ContainerPort[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  const names = new Set<string>();
  for (const [i, port] of (ports ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (port.name) {
      const texts = isPortName(port.name);
      for (const text of texts) errors.push(invalid(`${here}.name`, port.name, text));
      if (texts.length === 0) {
        if (names.has(port.name)) errors.push(duplicate(`${here}.name`, port.name));
        else names.add(port.name);
      }
    }
    if (!port.containerPort) errors.push(required(`${here}.containerPort`));
    else {
      for (const text of isPortNumber(port.containerPort)) {
        errors.push(invalid(`${here}.containerPort`, port.containerPort, text));
      }
    }
    if (port.hostPort) {
      for (const text of isPortNumber(port.hostPort))
        errors.push(invalid(`${here}.hostPort`, port.hostPort, text));
    }
    if (!port.protocol) errors.push(required(`${here}.protocol`));
    else if (!protocols.includes(port.protocol))
      errors.push(notSupported(`${here}.protocol`, port.protocol, protocols));
  }
}

function validateSecurity(context: SecurityContext | undefined, path: string, errors: FieldError[]): void {
  if (!context) return;
  validateId(context.runAsUser, `${path}.runAsUser`, errors);
  validateId(context.runAsGroup, `${path}.runAsGroup`, errors);
  if (
    context.procMount !== undefined &&
    context.procMount !== "Default" &&
    context.procMount !== "Unmasked"
  ) {
    errors.push(notSupported(`${path}.procMount`, context.procMount, ["Default", "Unmasked"]));
  }
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged) {
    errors.push(
      invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"),
    );
  }
  if (context.capabilities?.add?.some((name) => name === "CAP_SYS_ADMIN" || name === "SYS_ADMIN")) {
    errors.push(
      invalid(
        path,
        context,
        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
      ),
    );
  }
}

function validateCommon(
  container: Container,
  volumes: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  if (!container.name) errors.push(required(`${path}.name`));
  else
    for (const text of isDns1123Label(container.name))
      errors.push(invalid(`${path}.name`, container.name, text));
  if (!container.image) errors.push(required(`${path}.image`));
  const message = container.terminationMessagePolicy;
  if (!message) errors.push(required(`${path}.terminationMessagePolicy`));
  else if (!messagePolicies.includes(message)) {
    errors.push(notSupported(`${path}.terminationMessagePolicy`, message, messagePolicies));
  }
  validatePorts(container.ports, `${path}.ports`, errors);
  validateEnv(container.env, `${path}.env`, errors);
  validateEnvFrom(container.envFrom, `${path}.envFrom`, errors);
  validateMounts(container, volumes, path, errors);
  const pull = container.imagePullPolicy;
  if (!pull) errors.push(required(`${path}.imagePullPolicy`));
  else if (!pullPolicies.includes(pull))
    errors.push(notSupported(`${path}.imagePullPolicy`, pull, pullPolicies));
  validateResources(container.resources, `${path}.resources`, errors);
  validateSecurity(container.securityContext, `${path}.securityContext`, errors);
}

/** Host ports may be taken once per protocol and address within the given containers. */
function validateHostPorts(containers: readonly Container[], path: string, errors: FieldError[]): void {
  const taken = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const text = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (taken.has(text)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, text));
      else taken.add(text);
    }
  }
}

export function validateContainers(
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  const here = `${path}.containers`;
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required(here));
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${here}[${i}]`;
    validateCommon(container, volumes, at, errors);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    validateProbes(container, spec.terminationGracePeriodSeconds, at, errors);
    const policy = container.restartPolicy;
    if (policy !== undefined && !["Always", "OnFailure", "Never"].includes(policy)) {
      errors.push(notSupported(`${at}.restartPolicy`, policy, ["Always", "OnFailure", "Never"]));
    }
  }
  validateHostPorts(containers, here, errors);
  validateInitContainers(spec, volumes, names, `${path}.initContainers`, errors);
  validateEphemeralContainers(spec, volumes, names, `${path}.ephemeralContainers`, errors);
  if (spec.hostNetwork) validateHostNetwork(containers, here, errors);
}

function validateInitContainers(
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  names: Set<string>,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    validateCommon(container, volumes, at, errors);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if (container.name) names.add(container.name);
    validateHostPorts([container], path, errors);
    if (container.restartPolicy === "Always")
      validateProbes(container, spec.terminationGracePeriodSeconds, at, errors);
    else {
      for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
        if (container[name]) {
          errors.push(
            forbidden(`${at}.${name}`, "may not be set for init containers without restartPolicy=Always"),
          );
        }
      }
    }
  }
}

const ephemeralForbidden = [
  "ports",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
] as const;

function validateEphemeralContainers(
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  names: Set<string>,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    validateCommon(container as Container, volumes, at, errors);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !names.has(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    for (const name of ephemeralForbidden) {
      if (container[name])
        errors.push(forbidden(`${at}.${name}`, "field not allowed for Ephemeral Containers"));
    }
    if (container.resources?.limits || container.resources?.requests) {
      errors.push(forbidden(`${at}.resources`, "field not allowed for Ephemeral Containers"));
    }
  }
}

function validateHostNetwork(containers: readonly Container[], path: string, errors: FieldError[]): void {
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      // In a template it may be missing; the pod made of it gets it as a default.
      if (!port.hostPort || port.hostPort === port.containerPort) continue;
      errors.push(
        invalid(
          `${path}[${i}].ports[${j}].hostPort`,
          port.hostPort ?? 0,
          "must match `containerPort` when `hostNetwork` is true",
        ),
      );
    }
  }
}
