import type { StatusError } from "../../machinery/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionRequest } from "./chain.ts";

/** 403 for the request's object. If the name is to be generated, the message has its prefix; for a collection, `Unknown`. */
export function refuse({ resource, name, object }: AdmissionRequest, why: string): StatusError {
  const { name: own, generateName } = object?.metadata ?? {};
  return forbidden(resource.def, name || own || generateName || "Unknown", why);
}
