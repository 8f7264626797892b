/** Serving certificates of an API server: the cluster's own, or those of files, which are reloaded when they change. */
import type { NamedPair, ServingPair, ServingTls } from "../../apiserver/index.ts";
import { checkKeyPair } from "../../machinery/index.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";
import type { Followed } from "./follow-files.ts";

/** Contents of the files. */
interface Pairs {
  main: ServingPair | undefined;
  named: readonly NamedPair[];
}

export class ServingFiles {
  readonly files: readonly Followed[];
  /** Called for every change; an error refuses the change. */
  changed: ((tls: ServingTls) => void) | undefined;
  readonly #clientCa: string;
  readonly #own: NamedPair;
  #pairs: Pairs;

  /**
   * `own`: the cluster's own pair, and the names and addresses for which it is served beside another one, to clients that trust
   * only it.
   */
  constructor(
    own: NamedPair,
    clientCa: string,
    { servingCert, sniCerts = [] }: Pick<ApiServerSettings, "servingCert" | "sniCerts">,
  ) {
    this.#clientCa = clientCa;
    this.#own = own;
    this.#pairs = { main: undefined, named: sniCerts.map(({ names }) => ({ cert: "", key: "", names })) };
    this.files = [
      ...(servingCert ? [this.#follow(servingCert, (main, { named }) => ({ main, named }))] : []),
      ...sniCerts.map((files, i) =>
        this.#follow(files, (pair, { main, named }) => ({
          main,
          named: named.with(i, { ...pair, names: files.names }),
        })),
      ),
    ];
  }

  /** From the current contents of the files. */
  get tls(): ServingTls {
    return this.#tlsOf(this.#pairs);
  }

  #tlsOf({ main, named }: Pairs): ServingTls {
    const { cert, key } = main ?? this.#own;
    return { cert, key, clientCa: this.#clientCa, named: main ? [...named, this.#own] : named };
  }

  #follow({ cert, key }: ServingPair, put: (pair: ServingPair, before: Pairs) => Pairs): Followed {
    return {
      paths: [cert, key],
      take: (texts) => {
        const [certText = "", keyText = ""] = texts;
        const pair = { cert: certText, key: keyText };
        checkKeyPair(pair);
        const pairs = put(pair, this.#pairs);
        this.changed?.(this.#tlsOf(pairs));
        this.#pairs = pairs;
      },
    };
  }
}
