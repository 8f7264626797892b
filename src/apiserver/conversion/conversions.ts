/** Conversions by webhook for code that only computes: what is missing is asked for, then it computes again. */
import type { KubeObject } from "../../api/index.ts";
import { Pending } from "../pending.ts";
import type { VersionView } from "./version-view.ts";

/** What was converted for one request. */
export class Conversions {
  readonly #made = new Map<string, KubeObject>();

  /**
   * An object of the view's version in another one, to be looked at only. Throws Pending when it is not there yet; rejects
   * with what `failed` makes of the reason when the webhook fails.
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
