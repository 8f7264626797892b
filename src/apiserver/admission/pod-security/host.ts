/** Controls that isolate pods from their node: namespaces, paths, ports, probes, privileges. */
import type { Container } from "../../../api/index.ts";
import { type Check, containersText, namesOf, plural, quoted, setters, sorted } from "./check.ts";

export const hostNamespaces: Check = ({ spec }) => {
  const used = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name]);
  if (used.length === 0) return undefined;
  return { reason: "host namespaces", detail: used.map((name) => `${name}=true`).join(", ") };
};

export const hostPaths: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter((each) => each.hostPath).map((each) => each.name);
  if (names.length === 0) return undefined;
  return {
    reason: "hostPath volumes",
    detail: `${plural("volume", "volumes", names.length)} ${quoted(names)}`,
  };
};

export const hostPorts: Check = ({ containers }) => {
  const bad = containers.filter((each) => each.ports?.some((port) => port.hostPort));
  if (bad.length === 0) return undefined;
  const ports = sorted(
    bad.flatMap((each) => each.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])),
  );
  const uses = plural("uses", "use", bad.length);
  const what = plural("hostPort", "hostPorts", ports.length);
  return {
    reason: "hostPort",
    detail: `${containersText(namesOf(bad))} ${uses} ${what} ${ports.join(", ")}`,
  };
};

/** Probes of other hosts would let pods scan the node's network (KEP-4940). */
export const hostProbes: Check = ({ containers }) => {
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((each) => [each?.httpGet?.host, each?.tcpSocket?.host])
      .filter((host): host is string => !!host);
  const bad = sorted(namesOf(containers.filter((each) => hostsOf(each).length > 0)));
  if (bad.length === 0) return undefined;
  const hosts = sorted(containers.flatMap(hostsOf));
  const what = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.length);
  return {
    reason: "probe or lifecycle host",
    detail: `${containersText(bad)} ${plural("uses", "use", bad.length)} ${what} ${quoted(hosts)}`,
  };
};

export const privileged: Check = ({ containers }) => {
  const bad = containers.filter((each) => each.securityContext?.privileged);
  if (bad.length === 0) return undefined;
  return {
    reason: "privileged",
    detail: `${containersText(namesOf(bad))} must not set securityContext.privileged=true`,
  };
};

export const procMount: Check = ({ containers }) => {
  const bad = containers.filter((each) => (each.securityContext?.procMount ?? "Default") !== "Default");
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((each) => each.securityContext?.procMount ?? ""));
  return {
    reason: "procMount",
    detail: `${containersText(namesOf(bad))} must not set securityContext.procMount to ${quoted(types)}`,
  };
};

export const hostProcess: Check = ({ spec, containers }) => {
  const own = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containers.filter((each) => each.securityContext?.windowsOptions?.hostProcess);
  if (!own && bad.length === 0) return undefined;
  return {
    reason: "hostProcess",
    detail: `${setters(own, bad)} must not set securityContext.windowsOptions.hostProcess=true`,
  };
};
