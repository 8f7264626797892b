import type { Pod } from "../../api/index.ts";
import type { AdmissionRequest } from "./chain.ts";

/** The pod that is created or, for updates of its spec, changed. */
export function podOf({ resource, object, subresource }: AdmissionRequest): Pod | undefined {
  const isPod = resource.def.group === "" && resource.def.kind === "Pod" && subresource === "";
  return isPod ? (object as Pod | undefined) : undefined;
}
