/** Controls of the profiles that confine processes: AppArmor, SELinux, seccomp, sysctls. */
import type { SELinuxOptions } from "../../../api/index.ts";
import { type Check, plural, quoted, setters, sorted, type Subject } from "./check.ts";

const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";

export const appArmor: Check = ({ spec, metadata, containers }) => {
  const own = spec.securityContext?.appArmorProfile?.type;
  const isBad = (type: string | undefined): type is string =>
    type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
  const bad = containers.filter((each) => isBad(each.securityContext?.appArmorProfile?.type));
  const values = sorted(
    [own, ...bad.map((each) => each.securityContext?.appArmorProfile?.type)].filter(isBad),
  );
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(
      ([key, value]) =>
        key.startsWith(appArmorAnnotation) &&
        !(value === "" || value === "runtime/default" || value.startsWith("localhost/")),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = [
    setters(isBad(own), bad),
    annotations.length > 0 ? plural("annotation", "annotations", annotations.length) : "",
  ].filter((each) => each !== "");
  if (who.length === 0) return undefined;
  const all = [...values, ...annotations];
  return {
    reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", all.length),
    detail: `${who.join(" and ")} must not set AppArmor profile type to ${quoted(all)}`,
  };
};

export const seLinux =
  (types: readonly string[]): Check =>
  ({ spec, containers }) => {
    const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
      options !== undefined && (!types.includes(options.type ?? "") || !!options.user || !!options.role);
    const own = spec.securityContext?.seLinuxOptions;
    const bad = containers.filter((each) => isBad(each.securityContext?.seLinuxOptions));
    const options = [own, ...bad.map((each) => each.securityContext?.seLinuxOptions)].filter(isBad);
    if (options.length === 0) return undefined;
    const badTypes = sorted(options.map((each) => each.type ?? "").filter((type) => !types.includes(type)));
    const what = [
      badTypes.length > 0 ? `${plural("type", "types", badTypes.length)} ${quoted(badTypes)}` : "",
      options.some((each) => each.user) ? "user may not be set" : "",
      options.some((each) => each.role) ? "role may not be set" : "",
    ].filter((each) => each !== "");
    return {
      reason: "seLinuxOptions",
      detail: `${setters(isBad(own), bad)} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}`,
    };
  };

const confined = (type: string | undefined): boolean => type === "Localhost" || type === "RuntimeDefault";

/** Until 1.19 the profile was set by annotations. */
export const seccompAnnotations: Check = ({ metadata, containers }) => {
  const keys = [
    "seccomp.security.alpha.kubernetes.io/pod",
    ...containers.map((each) => `container.seccomp.security.alpha.kubernetes.io/${each.name}`),
  ];
  const forbidden = sorted(
    keys.flatMap((key) => {
      const value = metadata.annotations?.[key];
      const fine =
        value === undefined ||
        value === "runtime/default" ||
        value === "docker/default" ||
        value.startsWith("localhost/");
      return fine ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (forbidden.length === 0) return undefined;
  const what = plural("annotation", "annotations", forbidden.length);
  return { reason: "seccompProfile", detail: `forbidden ${what} ${forbidden.join(", ")}` };
};

export const seccomp: Check = (subject) => badSeccomp(subject);

/** A profile is required: of the pod, or of every container. */
export const seccompRequired: Check = (subject) => {
  const bad = badSeccomp(subject);
  if (bad) return bad;
  const { spec, containers } = subject;
  if (confined(spec.securityContext?.seccompProfile?.type)) return undefined;
  const silent = containers.filter((each) => !each.securityContext?.seccompProfile);
  if (silent.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `pod or ${setters(false, silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

function badSeccomp({ spec, containers }: Subject): ReturnType<Check> {
  const own = spec.securityContext?.seccompProfile;
  const podIsBad = own !== undefined && !confined(own.type);
  const bad = containers.filter((each) => {
    const profile = each.securityContext?.seccompProfile;
    return profile !== undefined && !confined(profile.type);
  });
  if (!podIsBad && bad.length === 0) return undefined;
  const values = sorted([
    ...(podIsBad ? [own.type] : []),
    ...bad.map((each) => each.securityContext?.seccompProfile?.type ?? ""),
  ]);
  return {
    reason: "seccompProfile",
    detail: `${setters(podIsBad, bad)} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

export const sysctls =
  (allowed: readonly string[]): Check =>
  ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? [])
      .map((each) => each.name)
      .filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  };
