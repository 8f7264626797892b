import type { Pod } from "../../api/index.ts";
import { CriError, type Image, type ImageService } from "../../cri/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { ContainerStartError } from "../containers/config-error.ts";
import { Backoff } from "../plan/backoff.ts";
import { type AnyContainer, podUid } from "../pods/pod-key.ts";
import { parseImageReference, pullPolicy } from "./image-name.ts";

export type ImageEvent = (type: "Normal" | "Warning", reason: string, message: string) => void;
export type PullCredentials = { username?: string; password?: string };

/** Pulls images by each container's pull policy, with a backoff per pod and image. */
export class ImageManager {
  readonly #images: ImageService;
  readonly #clock: Clock;
  readonly #backoff = new Backoff();
  readonly #failedAt = new Map<string, { at: number; message: string }>();
  /** Concurrent requests for an image share one pull. */
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(images: ImageService, clock: Clock) {
    this.#images = images;
    this.#clock = clock;
  }

  /** Ensures that the image is present. Rejects with ContainerStartError, whose reason `kubectl get pods` shows. */
  async ensure(
    pod: Pod,
    container: Pick<AnyContainer, "image" | "imagePullPolicy">,
    credentials: () => Promise<PullCredentials | undefined>,
    event: ImageEvent,
  ): Promise<Image> {
    const wanted = container.image ?? "";
    const reference = parseImageReference(wanted);
    if (!reference) {
      const message = `Failed to apply default image tag ${JSON.stringify(wanted)}: couldn't parse image name ${JSON.stringify(wanted)}: invalid reference format`;
      event("Warning", "InspectFailed", message);
      throw new ContainerStartError("InvalidImageName", message);
    }
    const policy = pullPolicy(container.imagePullPolicy, reference);
    const present = policy === "Always" ? undefined : await this.#images.imageStatus(reference);
    if (present) {
      event(
        "Normal",
        "Pulled",
        `Container image "${wanted}" already present on machine and can be accessed by the pod`,
      );
      return present;
    }
    if (policy === "Never") {
      const message = `Container image "${wanted}" is not present with pull policy of Never`;
      event("Warning", "ErrImageNeverPull", message);
      throw new ContainerStartError("ErrImageNeverPull", message);
    }
    return await this.#pull(podUid(pod), wanted, reference, credentials, event);
  }

  forget(uid: string): void {
    this.#backoff.forget(`${uid}/`);
    for (const key of this.#failedAt.keys()) if (key.startsWith(`${uid}/`)) this.#failedAt.delete(key);
  }

  async #pull(
    uid: string,
    wanted: string,
    reference: string,
    credentials: () => Promise<PullCredentials | undefined>,
    event: ImageEvent,
  ): Promise<Image> {
    const key = `${uid}/${reference}`;
    const failed = this.#failedAt.get(key);
    if (failed) {
      const wait = this.#backoff.remaining(key, failed.at, this.#clock.now());
      if (wait > 0) {
        const message = `Back-off pulling image "${wanted}"`;
        event("Normal", "BackOff", message);
        throw new ContainerStartError("ImagePullBackOff", `${message}: ErrImagePull: ${failed.message}`, {
          retryAfterMs: wait,
        });
      }
    }
    event("Normal", "Pulling", `Pulling image "${wanted}"`);
    const started = this.#clock.monotonic();
    try {
      await this.#sharedPull(reference, await credentials());
      const image = await this.#images.imageStatus(reference);
      if (!image) throw new CriError("NotFound", `image "${wanted}" vanished after it was pulled`);
      const took = `${Math.round(this.#clock.monotonic() - started)}ms`;
      event(
        "Normal",
        "Pulled",
        `Successfully pulled image "${wanted}" in ${took} (${took} including waiting). Image size: ${image.size} bytes.`,
      );
      this.#failedAt.delete(key);
      return image;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const now = this.#clock.now();
      this.#backoff.next(key, failed?.at ?? now, now);
      this.#failedAt.set(key, { at: now, message });
      event("Warning", "Failed", `Failed to pull image "${wanted}": ${message}`);
      event("Warning", "Failed", "Error: ErrImagePull");
      throw new ContainerStartError("ErrImagePull", message, {
        cause,
        retryAfterMs: this.#backoff.remaining(key, now, now),
      });
    }
  }

  #sharedPull(reference: string, auth: PullCredentials | undefined): Promise<string> {
    const key = `${reference} ${auth?.username ?? ""}`;
    let pull = this.#pulls.get(key);
    if (!pull) {
      pull = this.#images.pullImage(reference, auth).finally(() => this.#pulls.delete(key));
      this.#pulls.set(key, pull);
    }
    return pull;
  }
}
