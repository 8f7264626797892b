/** --runtime-config: which built-in APIs are served, by `group/version`, `group/version/resource`, or class of versions. */
import { parseBool } from "../../machinery/index.ts";

/** Whether a resource is served; the group is "" for the core. */
export type IsServed = (group: string, version: string, plural: string) => boolean;

interface Version {
  group: string;
  version: string;
}

const classes = new Set(["api/all", "api/ga", "api/beta", "api/alpha"]);

/**
 * Reads pairs of APIs and booleans. `known`: all versions available here. Throws an Error in kube-apiserver's words, or one of
 * its own for versions of known groups that are not available here.
 */
export function readRuntimeConfig(pairs: ReadonlyMap<string, string>, known: readonly Version[]): IsServed {
  if (pairs.size === 1 && pairs.get("api/all") === "false")
    throw new Error("invalid runtime-config with only api/all=false");
  for (const key of ["flowcontrol.apiserver.k8s.io/v1", "api/ga", "api/all"])
    if (pairs.get(key) === "false")
      throw new Error(`--runtime-config=${key}=false conflicts with --enable-priority-and-fairness=true`);
  const groups = new Set(known.map(({ group }) => group));
  const versions = new Set(known.map(({ group, version }) => `${group}/${version}`));
  const switched = new Map<string, boolean>();
  for (const [key, value] of pairs) {
    if (classes.has(key)) {
      if (value !== "true" && value !== "false") throw new Error(`invalid value ${key}=${value}`);
      if (value === "true" && key !== "api/ga") throw notYet(key);
      continue;
    }
    const [group = "", version = "", resource, ...more] = key.split("/");
    if (!key.includes("/") || more.length > 0) {
      if (key === "v1") continue;
      throw new Error(`runtime-config invalid key ${key}`);
    }
    if (!groups.has(group)) throw new Error(`unknown api groups ${group}/${version}`);
    if (resource !== undefined && resource !== resource.toLowerCase())
      throw new Error(
        `invalid key ${key}: group/version/resource and resource is always lowercase plural, not ${JSON.stringify(resource)}`,
      );
    const wanted = value === "" || parseBool(value);
    if (wanted === undefined)
      throw new Error(
        `invalid value of ${key}: ${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    if (!versions.has(`${group}/${version}`)) {
      if (!/^v\d+(alpha|beta)\d+$/.test(version))
        throw new Error(`group version ${group}/${version} that has not been registered`);
      if (wanted) throw notYet(key);
    }
    switched.set(key, wanted);
  }
  return (group, version, plural) => {
    // The core group is always served, as in kube-apiserver.
    if (group === "") return true;
    const whole = `${group}/${version}`;
    return switched.get(`${whole}/${plural}`) ?? switched.get(whole) ?? true;
  };
}

const notYet = (key: string): Error =>
  new Error(`runtime-config ${key}=true: versions that are off by default are not there yet`);
