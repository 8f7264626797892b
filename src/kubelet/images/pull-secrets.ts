import type { Pod } from "../../api/index.ts";
import type { ObjectSource } from "../containers/environment.ts";
import { podNamespace } from "../pods/pod-key.ts";
import type { PullCredentials } from "./image-manager.ts";

/** Credentials for an image's registry from the pod's imagePullSecrets; the first match. */
export async function pullCredentials(
  pod: Pod,
  image: string,
  objects: ObjectSource,
): Promise<PullCredentials | undefined> {
  const registry = registryOf(image);
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    const secret = name ? await objects.secret(podNamespace(pod), name) : undefined;
    const encoded = secret?.data?.[".dockerconfigjson"];
    if (!encoded) continue;
    const found = credentialsIn(Buffer.from(encoded, "base64").toString("utf8"), registry);
    if (found) return found;
  }
  return undefined;
}

function registryOf(image: string): string {
  const first = image.split("/")[0] ?? "";
  return image.includes("/") && /[.:]|^localhost$/.test(first) ? first : "docker.io";
}

function credentialsIn(text: string, registry: string): PullCredentials | undefined {
  let auths: Record<string, { username?: string; password?: string; auth?: string }>;
  try {
    auths = (JSON.parse(text) as { auths?: typeof auths }).auths ?? {};
  } catch {
    return undefined; // ignored: the pull reports what is missing
  }
  for (const [key, entry] of Object.entries(auths)) {
    const host = key.replace(/^https?:\/\//, "").split("/")[0];
    if (host !== registry && !(registry === "docker.io" && host === "index.docker.io")) continue;
    const [username, password] = entry.auth
      ? Buffer.from(entry.auth, "base64").toString("utf8").split(/:(.*)/s)
      : [entry.username, entry.password];
    return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
  }
  return undefined;
}
