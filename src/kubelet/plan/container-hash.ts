import { createHash } from "node:crypto";
import type { Container } from "../../api/index.ts";

/** What makes a running container out of date: its name and its image; nothing else of a pod's spec may change in place. */
export function containerHash(container: Container): string {
  return createHash("sha256")
    .update(JSON.stringify([container.name, container.image ?? ""]))
    .digest("hex")
    .slice(0, 8);
}
