import { parseBool } from "../../machinery/index.ts";
import { featureGates } from "./feature-gates.ts";
import { settledGates } from "./settled-gates.ts";

/**
 * --feature-gates: `NAME=BOOL` or `kube:NAME=BOOL`. Gates have the defaults of Kubernetes v1.36 and cannot be changed: throws an
 * Error for any other value.
 */
export function checkFeatureGates(pairs: readonly string[]): void {
  const known = new Map([
    ...settledGates,
    ...featureGates.map(({ name, enabled }) => [name, enabled] as const),
  ]);
  for (const pair of pairs.map((each) => each.trim()).filter((each) => each !== "")) {
    const [, component, gate = ""] = /^(?:([^:]*):)?(.*)$/.exec(pair) ?? [];
    if (component !== undefined && component !== "kube")
      throw new Error(`component not registered: ${component}`);
    const [name = "", text] = gate.split("=", 2).map((each) => each.trim());
    if (text === undefined) throw new Error(`missing bool value for ${name}`);
    const wanted = parseBool(text);
    if (wanted === undefined)
      throw new Error(
        `invalid value of ${name}=${text}, err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    const enabled = known.get(name);
    if (enabled === undefined) throw new Error(`unrecognized feature gate: ${name}`);
    if (enabled !== wanted)
      throw new Error(`cannot set feature gate ${name} to ${wanted}, here it is always ${enabled}`);
  }
}
