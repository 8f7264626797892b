/** Containers, init containers and ephemeral containers of a pod. */
import {
  duplicate,
  emptiedMembers,
  forbidden,
  invalid,
  isDns1123Label,
  isPortName,
  isPortNumber,
  notFound,
  notSupported,
  required,
  wasEmptied,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from "../../generated/types.ts";
import { given } from "../../given.ts";
import type { PodContext } from "./context.ts";
import { validateEnv, validateEnvFrom } from "./environment.ts";
import { validateDevices, validateMounts } from "./mounts.ts";
import { validateProbes } from "./probes.ts";
import { validateResources } from "./resources.ts";
import {
  onlyForSidecars,
  validateInitResize,
  validateInitRestart,
  validateResize,
  validateRestart,
} from "./restart.ts";
import { validateSecurityContext } from "./security.ts";
import { validatePullPolicy } from "./volumes.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const messagePolicies = ["File", "FallbackToLogsOnError"];

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
      for (const text of isPortNumber(port.containerPort))
        errors.push(invalid(`${here}.containerPort`, port.containerPort, text));
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

/** The parts of a pod that container rules need. */
interface Surroundings {
  spec: PodSpec;
  volumes: ReadonlyMap<string, Volume>;
  claims: ReadonlySet<string>;
  context: PodContext;
}

function validateCommon(
  container: Container,
  { spec, volumes, claims }: Surroundings,
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
  else if (!messagePolicies.includes(message))
    errors.push(notSupported(`${path}.terminationMessagePolicy`, message, messagePolicies));
  validatePorts(container.ports, `${path}.ports`, errors);
  validateEnv(container.env, `${path}.env`, errors);
  validateEnvFrom(container.envFrom, `${path}.envFrom`, errors);
  validateMounts(container, volumes, path, errors);
  validateDevices(container, volumes, path, errors);
  validatePullPolicy(container.imagePullPolicy, `${path}.imagePullPolicy`, errors);
  validateResources(container.resources, `${path}.resources`, errors, claims);
  validateResize(container.resizePolicy, spec.restartPolicy, `${path}.resizePolicy`, errors);
  const hostUsers = spec.hostUsers ?? true;
  validateSecurityContext(container.securityContext, hostUsers, `${path}.securityContext`, errors);
}

/** Host ports must be unique per protocol and address among these containers. */
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

function validateRegular(around: Surroundings, path: string, errors: FieldError[]): void {
  const { spec } = around;
  const containers = spec.containers ?? [];
  if (containers.length === 0) {
    errors.push(required(path));
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    validateCommon(container, around, at, errors);
    const { name = "" } = given(container);
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    validateProbes(container, spec, at, errors);
    validateRestart(container, at, errors);
  }
  validateHostPorts(containers, path, errors);
}

const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

function validateInit(around: Surroundings, path: string, errors: FieldError[]): void {
  const { spec, context } = around;
  const names = new Set((spec.containers ?? []).map((each) => each.name ?? ""));
  const hadRestarts = (context.old?.initContainers ?? []).some(
    (each) => !isSidecar(each) && each.resizePolicy?.some((p) => p.restartPolicy === "RestartContainer"),
  );
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name = "" } = given(container);
    validateCommon(container, around, at, errors);
    validateInitRestart(container, at, errors);
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    else if (name !== "") names.add(name);
    validateHostPorts([container], path, errors);
    if (isSidecar(container)) validateProbes(container, spec, at, errors);
    else {
      for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const)
        if (container[field]) errors.push(onlyForSidecars(`${at}.${field}`));
      if (!hadRestarts) validateInitResize(container, at, errors);
    }
  }
}

/** In the order of the struct. */
const notEphemeral = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;
const ephemeralText = "cannot be set for an Ephemeral Container";

/** Lists and Go pointers count even if they are empty; resources are a struct value. */
function isSet(container: EphemeralContainer, field: (typeof notEphemeral)[number]): boolean {
  const { resources } = container;
  if (field === "resources")
    return resources !== undefined && Object.keys(resources).length + emptiedMembers(resources).length > 0;
  return container[field] !== undefined || wasEmptied(container, field);
}

function validateEphemeral(around: Surroundings, path: string, errors: FieldError[]): void {
  const { spec } = around;
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((each) => each.name ?? "");
  const names = new Set(others);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name = "" } = given(container);
    validateCommon(container as Container, around, at, errors);
    validateImageSpace(container, at, errors);
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    const target = container.targetContainerName;
    if (target && !others.includes(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    for (const field of notEphemeral)
      if (isSet(container, field)) errors.push(forbidden(`${at}.${field}`, ephemeralText));
    for (const [j, mount] of (container.volumeMounts ?? []).entries())
      for (const field of ["subPath", "subPathExpr"] as const)
        if (mount[field]) errors.push(forbidden(`${at}.volumeMounts[${j}].${field}`, ephemeralText));
  }
}

/** Images of pods; templates are validated less strictly. */
function validateImageSpace(
  { image = "" }: Container | EphemeralContainer,
  path: string,
  errors: FieldError[],
): void {
  if (image.trim() !== image)
    errors.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
}

export function validateImageSpaces(spec: PodSpec, path: string, errors: FieldError[]): void {
  for (const list of ["containers", "initContainers"] as const)
    for (const [i, each] of (spec[list] ?? []).entries())
      validateImageSpace(each, `${path}.${list}[${i}]`, errors);
}

export function validateContainers(
  spec: PodSpec,
  volumes: ReadonlyMap<string, Volume>,
  claims: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
  context: PodContext,
): void {
  const around: Surroundings = { spec, volumes, claims, context };
  validateRegular(around, `${path}.containers`, errors);
  validateInit(around, `${path}.initContainers`, errors);
  validateEphemeral(around, `${path}.ephemeralContainers`, errors);
}

/** With hostNetwork a container's port equals the host port, which may be missing in templates: it has a default. */
export function validateHostNetwork(
  spec: PodSpec,
  path: string,
  errors: FieldError[],
  { isPod }: PodContext,
): void {
  if (!spec.hostNetwork) return;
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort = 0 }] of (container.ports ?? []).entries()) {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) continue;
      const text = "must match `containerPort` when `hostNetwork` is true";
      errors.push(invalid(`${path}.containers[${i}].ports[${j}].hostPort`, hostPort, text));
    }
  }
}
