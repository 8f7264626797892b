/** Makes the IPAddress of an address that a Service is about to get, and takes it back when the Service is not written. */
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
  /** By the write that they were made for. */
  readonly #made = new Map<AdmissionRequest, Made>();

  constructor(writer: AddressWriter) {
    this.#writer = writer;
  }

  /** Throws what the creation of any object throws. */
  async publish(request: AdmissionRequest, address: string): Promise<void> {
    const resource = this.#resource();
    if (!resource) return;
    const object = addressObject(address, request.object as Service);
    const { object: stored } = await this.#writer.create(resource, object);
    this.#made.set(request, { address, uid: stored.metadata?.uid ?? "" });
  }

  /** The write is over. What cannot be taken back is looked after later, as what a crash leaves behind. */
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
