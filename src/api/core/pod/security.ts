/** Security contexts of pods and containers. */
import {
  forbidden,
  invalid,
  isDns1123Subdomain,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  AppArmorProfile,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from "../../generated/types.ts";
import { internalForm } from "../../internal-form.ts";
import { descending } from "../path-rules.ts";
import { containersOf } from "./resources.ts";
import { validateSysctls } from "./sysctls.ts";

const idText = "must be between 0 and 2147483647, inclusive";
const isId = (value: number): boolean => value >= 0 && value <= 2147483647;

/** Of a user or group. */
export function validateId(value: number | undefined, path: string, errors: FieldError[]): void {
  if (value !== undefined && !isId(value)) errors.push(invalid(path, value, idText));
}

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateSeccomp(profile: SeccompProfile | undefined, path: string, errors: FieldError[]): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) errors.push(required(`${path}.type`, "type is required when seccompProfile is set"));
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes));
  const here = `${path}.localhostProfile`;
  if (type === "Localhost") {
    if (localhostProfile === undefined)
      errors.push(required(here, "must be set when seccomp type is Localhost"));
    else descending(localhostProfile, here, errors);
  } else if (localhostProfile !== undefined) {
    const shown = internalForm("core.SeccompProfile", profile);
    errors.push(invalid(here, shown, "can only be set when seccomp type is Localhost"));
  }
}

const maxProfileLength = 4095;

function validateAppArmor(profile: AppArmorProfile | undefined, path: string, errors: FieldError[]): void {
  if (!profile) return;
  const { type, localhostProfile: name } = profile;
  const here = `${path}.localhostProfile`;
  if (!type) errors.push(required(`${path}.type`, "type is required when appArmorProfile is set"));
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes));
  else if (type !== "Localhost") {
    if (name !== undefined)
      errors.push(invalid(here, name, "can only be set when AppArmor type is Localhost"));
  } else if (name === undefined) errors.push(required(here, "must be set when AppArmor type is Localhost"));
  else {
    if (name.trim() !== name) errors.push(invalid(here, name, "must not be padded with whitespace"));
    else if (name === "") errors.push(required(here, "must be set when AppArmor type is Localhost"));
    if (name.length > maxProfileLength) errors.push(tooLong(here, maxProfileLength));
  }
}

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const dnsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const control = /[\x00-\x1f\x7f]/;
const maxSpecKiB = 64;

/** Errors of `DOMAIN\user`. */
function windowsUserTexts(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (control.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const user = parts.at(-1) as string;
  const domain = parts.length === 2 ? (parts[0] as string) : undefined;
  const texts: string[] = [];
  if (domain !== undefined && domain.length >= 256)
    texts.push("runAsUserName's Domain length must be under 256 characters");
  if (domain !== undefined && !netBios.test(domain) && !dnsDomain.test(domain))
    texts.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === "") texts.push("runAsUserName's User cannot be empty");
  else if (user.length > 104)
    texts.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) texts.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    texts.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return texts;
}

function validateWindows(
  options: WindowsSecurityContextOptions | undefined,
  path: string,
  errors: FieldError[],
): void {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options ?? {};
  if (name !== undefined)
    for (const text of isDns1123Subdomain(name))
      errors.push(invalid(`${path}.gmsaCredentialSpecName`, name, text));
  const here = `${path}.gmsaCredentialSpec`;
  if (spec === "") errors.push(invalid(here, spec, "gmsaCredentialSpec cannot be an empty string"));
  else if (spec !== undefined && spec.length > maxSpecKiB * 1024)
    errors.push(invalid(here, spec, `gmsaCredentialSpec size must be under ${maxSpecKiB} KiB`));
  if (user !== undefined)
    for (const text of windowsUserTexts(user)) errors.push(invalid(`${path}.runAsUserName`, user, text));
}

const procMounts = ["Default", "Unmasked"];

export function validateSecurityContext(
  context: SecurityContext | undefined,
  hostUsers: boolean,
  path: string,
  errors: FieldError[],
): void {
  if (!context) return;
  validateId(context.runAsUser, `${path}.runAsUser`, errors);
  validateId(context.runAsGroup, `${path}.runAsGroup`, errors);
  const mount = context.procMount;
  if (mount !== undefined) {
    if (!procMounts.includes(mount)) errors.push(notSupported(`${path}.procMount`, mount, procMounts));
    if (hostUsers && mount === "Unmasked")
      errors.push(invalid(`${path}.procMount`, mount, "`hostUsers` must be false to use `Unmasked`"));
  }
  validateSeccomp(context.seccompProfile, `${path}.seccompProfile`, errors);
  if (context.allowPrivilegeEscalation === false) {
    const say = (what: string): void => {
      const text = `cannot set \`allowPrivilegeEscalation\` to false and ${what}`;
      errors.push(invalid(path, internalForm("core.SecurityContext", context), text));
    };
    if (context.privileged) say("`privileged` to true");
    for (const name of context.capabilities?.add ?? [])
      if (name === "CAP_SYS_ADMIN") say("`capabilities.Add` CAP_SYS_ADMIN");
  }
  validateWindows(context.windowsOptions, `${path}.windowsOptions`, errors);
  validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`, errors);
}

const changePolicies = ["Always", "OnRootMismatch"];
const groupsPolicies = ["Merge", "Strict"];

/** Pod-level settings, including host namespaces. */
export function validatePodSecurity(
  spec: PodSpec,
  path: string,
  errors: FieldError[],
  old: PodSpec | undefined,
): void {
  const context = spec.securityContext ?? {};
  validateId(context.fsGroup, `${path}.fsGroup`, errors);
  validateId(context.runAsUser, `${path}.runAsUser`, errors);
  validateId(context.runAsGroup, `${path}.runAsGroup`, errors);
  for (const [i, group] of (context.supplementalGroups ?? []).entries())
    validateId(group, `${path}.supplementalGroups[${i}]`, errors);
  if (spec.shareProcessNamespace && spec.hostPID) {
    const text = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(invalid(`${path}.shareProcessNamespace`, true, text));
  }
  validateSysctls(spec, `${path}.sysctls`, errors, old);
  const change = context.fsGroupChangePolicy;
  if (change !== undefined && !changePolicies.includes(change))
    errors.push(notSupported(`${path}.fsGroupChangePolicy`, change, changePolicies));
  validateSeccomp(context.seccompProfile, `${path}.seccompProfile`, errors);
  validateWindows(context.windowsOptions, `${path}.windowsOptions`, errors);
  validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`, errors);
  const groups = context.supplementalGroupsPolicy;
  if (groups !== undefined && !groupsPolicies.includes(groups))
    errors.push(notSupported(`${path}.supplementalGroupsPolicy`, groups, groupsPolicies));
  // SELinux mount options are disabled, but kept where they exist.
  const label = context.seLinuxChangePolicy;
  const labels = old?.securityContext?.seLinuxChangePolicy ? ["MountOption", "Recursive"] : ["Recursive"];
  if (label !== undefined && !labels.includes(label))
    errors.push(notSupported(`${path}.seLinuxChangePolicy`, label, labels));
}

/** A user namespace excludes the host's other namespaces. */
export function validateHostUsers(
  spec: PodSpec,
  path: string,
  errors: FieldError[],
  old: PodSpec | undefined,
): void {
  if (spec.hostUsers !== false) return;
  const text = "when `hostUsers` is false";
  const hadNetwork = old?.hostUsers === false && old.hostNetwork;
  if (spec.hostNetwork && !hadNetwork) errors.push(forbidden(`${path}.hostNetwork`, text));
  if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, text));
  if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, text));
  const hasDevices = (each: PodSpec): boolean =>
    containersOf(each, "").some(([container]) => (container.volumeDevices ?? []).length > 0);
  if (old?.hostUsers === false && hasDevices(old)) return;
  for (const [container, here] of containersOf(spec, path))
    if (container.volumeDevices?.length) errors.push(forbidden(`${here}.volumeDevices`, text));
}

/** HostProcess: all containers or none, and with hostNetwork. */
export function validateHostProcess(spec: PodSpec, path: string, errors: FieldError[]): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let all = 0;
  let count = 0;
  for (const [container, here] of containersOf(spec, path)) {
    all++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const text = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(invalid(`${here}.securityContext.windowsOptions.hostProcess`, own, text));
    }
    if (own ?? ofPod) count++;
  }
  if (count === 0) return;
  if (count !== all) {
    const text =
      "If pod contains any hostProcess containers then all containers must be HostProcess containers";
    errors.push(invalid(path, "", text));
  }
  if (!spec.hostNetwork) {
    const text = "hostNetwork must be true if pod contains any hostProcess containers";
    errors.push(invalid(`${path}.hostNetwork`, false, text));
  }
}

const operatingSystems = ["linux", "windows"];

/** Fields of pods and containers that are unsupported on Windows. */
const notOnWindows = [
  "securityContext.appArmorProfile",
  "securityContext.seLinuxOptions",
  "hostUsers",
  "hostPID",
  "hostIPC",
  "securityContext.seccompProfile",
  "securityContext.fsGroup",
  "securityContext.fsGroupChangePolicy",
  "securityContext.sysctls",
  "shareProcessNamespace",
  "securityContext.runAsUser",
  "securityContext.runAsGroup",
  "securityContext.supplementalGroups",
  "securityContext.supplementalGroupsPolicy",
  "securityContext.seLinuxChangePolicy",
];
const notInWindowsContainers = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

export function validateOs(spec: PodSpec, path: string, errors: FieldError[]): void {
  const name = spec.os?.name;
  if (!spec.os) return;
  if (!name) errors.push(required(`${path}.os.name`));
  else if (!operatingSystems.includes(name)) errors.push(notSupported(`${path}.os`, name, operatingSystems));
  else if (name === "linux") {
    const text = "windows options cannot be set for a linux pod";
    if (spec.securityContext?.windowsOptions)
      errors.push(forbidden(`${path}.securityContext.windowsOptions`, text));
    for (const [container, here] of containersOf(spec, path))
      if (container.securityContext?.windowsOptions)
        errors.push(forbidden(`${here}.securityContext.windowsOptions`, text));
  } else {
    const text = "cannot be set for a windows pod";
    const all: Record<string, unknown> = { ...spec };
    const context: Record<string, unknown> = { ...spec.securityContext };
    for (const field of notOnWindows) {
      const value = field.startsWith("securityContext.") ? context[field.slice(16)] : all[field];
      if (value !== undefined) errors.push(forbidden(`${path}.${field}`, text));
    }
    for (const [{ securityContext }, here] of containersOf(spec, path))
      for (const field of notInWindowsContainers)
        if (securityContext?.[field] !== undefined)
          errors.push(forbidden(`${here}.securityContext.${field}`, text));
  }
}
