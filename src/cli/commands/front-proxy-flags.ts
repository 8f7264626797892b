/** Flags of trusted front proxies, named as in kube-apiserver. */
import type { ApiServerSettings } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { fileOf } from "./flag-values.ts";

/** The supported header of each flag. */
const headers = {
  "requestheader-username-headers": "X-Remote-User",
  "requestheader-group-headers": "X-Remote-Group",
  "requestheader-uid-headers": "X-Remote-Uid",
  "requestheader-extra-headers-prefix": "X-Remote-Extra-",
} as const;

export const frontProxyFlags: readonly FlagSpec[] = [
  {
    long: "requestheader-client-ca-file",
    type: "string",
    help: "authorities (PEM) of front proxies, beside the cluster's own, whose X-Remote-* headers are trusted",
  },
  {
    long: "requestheader-allowed-names",
    type: "list",
    help: "allowed common names of front proxies' certificates; default: all of these authorities",
  },
  ...Object.entries(headers).map(
    ([long, header]): FlagSpec => ({
      long,
      type: "list",
      help: `${header}, to read it from front proxies; other headers are not supported`,
    }),
  ),
];

/** Undefined without authorities: then no proxy is trusted. Throws a UsageError. */
export function frontProxyOf(flags: Flags): ApiServerSettings["frontProxy"] {
  const allowedNames = values(flags, "requestheader-allowed-names");
  const [user, group, uid, extra] = Object.entries(headers).map(([flag, header]) => {
    const given = values(flags, flag);
    const other = given.find((each) => each.toLowerCase() !== header.toLowerCase());
    if (other !== undefined) throw new UsageError(`--${flag}=${other} is not supported: only ${header} is`);
    return given.length > 0;
  }) as [boolean, boolean, boolean, boolean];
  const caFile = fileOf(flags, "requestheader-client-ca-file");
  return caFile ? { caFile, allowedNames, headers: { user, group, uid, extra } } : undefined;
}

function values(flags: Flags, name: string): string[] {
  const given = flags.list(name).flatMap((each) => each.split(","));
  if (given.some((each) => each.trim() === ""))
    throw new UsageError(`empty value in ${JSON.stringify(name)}`);
  return given;
}
