/** Creates the IPAddress of an address allocated to a Service, and deletes it when the write of the Service fails. */
import type { Service } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import type { PluginContext } from "../admission/context.ts";
import { addressObject } from "./ip-address.ts";

export type AddressWriter = Pick<PluginContext, "registry" | "create" | "remove" | "log">;

interface Made {
  address: string;
  uid: string;
}

export class AddressObjects {
  readonly #writer: AddressWriter;
  /** By the Service's write. */
  readonly #made = new Map<AdmissionRequest, Made>();

  constructor(writer: AddressWriter) {
    this.#writer = writer;
  }

  /** Throws like any creation. */
  async publish(request: AdmissionRequest, address: string): Promise<void> {
    const resource = this.#resource();
    if (!resource) return;
    const object = addressObject(address, request.object as Service);
    const { object: stored } = await this.#writer.create(resource, object);
    this.#made.set(request, { address, uid: stored.metadata?.uid ?? "" });
  }

  /** The write has ended. If a deletion fails, the repair loop does it later, as after a crash. */
  async settle(request: AdmissionRequest, stored: boolean): Promise<void> {
    const made = this.#made.get(request);
    this.#made.delete(request);
    const resource = this.#resource();
    if (!made || stored || !resource) return;
    try {
      await this.#writer.remove(resource, "", made.address, { uid: made.uid });
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      this.#writer.log.warn("the IPAddress of a Service that was not written could not be deleted", {
        address: made.address,
        error,
      });
    }
  }

  #resource() {
    return this.#writer.registry.find("networking.k8s.io", "v1", "ipaddresses");
  }
}
