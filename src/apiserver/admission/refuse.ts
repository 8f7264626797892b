import type { StatusError } from "../../machinery/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionRequest } from "./chain.ts";

/**
 * 403 about the object of the request. While plugins may still change it, a name that is to be generated is not there
 * yet: what it begins with stands for it. Where there is nothing at all (a collection) it is `Unknown`.
 */
export function refuse({ resource, name, object }: AdmissionRequest, why: string): StatusError {
  const { name: own, generateName } = object?.metadata ?? {};
  return forbidden(resource.def, name || own || generateName || "Unknown", why);
}
