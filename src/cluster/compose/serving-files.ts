/** What an API server is served with: the cluster's own certificate, or those of files that are followed as they change. */
import type { NamedPair, ServingPair, ServingTls } from "../../apiserver/index.ts";
import { checkKeyPair } from "../../machinery/index.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";
import type { Followed } from "./follow-files.ts";

export class ServingFiles {
  readonly files: readonly Followed[];
  /** Told of every change. */
  changed: ((tls: ServingTls) => void) | undefined;
  readonly #clientCa: string;
  #own: ServingPair;
  readonly #named: NamedPair[];

  constructor(
    own: ServingPair,
    clientCa: string,
    { servingCert, sniCerts = [] }: Pick<ApiServerSettings, "servingCert" | "sniCerts">,
  ) {
    this.#clientCa = clientCa;
    this.#own = own;
    this.#named = sniCerts.map(({ names }) => ({ cert: "", key: "", names }));
    this.files = [
      ...(servingCert ? [this.#follow(servingCert, (pair) => (this.#own = pair))] : []),
      ...sniCerts.map((files, i) =>
        this.#follow(files, (pair) => (this.#named[i] = { ...pair, names: files.names })),
      ),
    ];
  }

  /** As the files were last. */
  get tls(): ServingTls {
    return { ...this.#own, clientCa: this.#clientCa, named: this.#named };
  }

  #follow({ cert, key }: ServingPair, put: (pair: ServingPair) => void): Followed {
    return {
      paths: [cert, key],
      take: (texts) => {
        const [certText = "", keyText = ""] = texts;
        const pair = { cert: certText, key: keyText };
        checkKeyPair(pair);
        put(pair);
        this.changed?.(this.tls);
      },
    };
  }
}
