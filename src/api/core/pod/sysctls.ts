import type { PodSpec } from "../../generated/types.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "../../../machinery/index.ts";

const segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const name = new RegExp(`^(${segment}[./])*${segment}$`);
const maxLength = 253;

/** The kernel's own isolation decides: what is not of a namespace the pod has cannot be set for it alone. */
const namespaces: readonly { prefix: string; field: "hostNetwork" | "hostIPC" }[] = [
  { prefix: "net.", field: "hostNetwork" },
  { prefix: "kernel.shm", field: "hostIPC" },
  { prefix: "kernel.msg", field: "hostIPC" },
  { prefix: "kernel.sem", field: "hostIPC" },
  { prefix: "fs.mqueue.", field: "hostIPC" },
];

/** `securityContext.sysctls` of a pod: names as the kernel spells them, each once, none of a namespace of the host. */
export function validateSysctls(spec: PodSpec, path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, sysctl] of (spec.securityContext?.sysctls ?? []).entries()) {
    const here = `${path}[${i}].name`;
    if (!sysctl.name) {
      errors.push(required(here));
      continue;
    }
    if (sysctl.name.length > maxLength || !name.test(sysctl.name)) {
      errors.push(
        invalid(
          here,
          sysctl.name,
          `must have at most ${maxLength} characters and match regex ${name.source}`,
        ),
      );
    } else {
      const dotted = sysctl.name.replaceAll("/", ".");
      if (seen.has(dotted)) errors.push(duplicate(here, sysctl.name));
      const owner = namespaces.find(({ prefix }) => dotted.startsWith(prefix));
      if (owner && spec[owner.field]) {
        errors.push(forbidden(here, `may not be specified when '${owner.field}' is true`));
      }
      seen.add(dotted);
    }
  }
}
