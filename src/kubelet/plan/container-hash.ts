import { createHash } from "node:crypto";
import type { Container } from "../../api/index.ts";

/** Identifies when a running container is out of date: by its name and image, the only fields that change in place. */
export function containerHash(container: Container): string {
  return createHash("sha256")
    .update(JSON.stringify([container.name, container.image ?? ""]))
    .digest("hex")
    .slice(0, 8);
}
