/** Conversions by webhook for synchronous code: missing ones are requested, then the code runs again. */
import type { KubeObject } from "../../api/index.ts";
import { Pending } from "../pending.ts";
import type { VersionView } from "./version-view.ts";

/** Conversions of one request. */
export class Conversions {
  readonly #made = new Map<string, KubeObject>();

  /**
   * An object converted from the view's version to another, read only. Throws Pending when it is not there yet; rejects with the
   * result of `failed` when the webhook fails.
   */
  convert(
    view: VersionView,
    object: KubeObject,
    apiVersion: string,
    failed: (cause: unknown) => unknown = (cause) => cause,
  ): KubeObject {
    const key = `${apiVersion}\n${JSON.stringify(object)}`;
    const known = this.#made.get(key);
    if (known) return known;
    throw new Pending(
      view.convert(object, apiVersion).then(
        (converted) => {
          this.#made.set(key, converted);
        },
        (cause) => {
          throw failed(cause);
        },
      ),
    );
  }
}
