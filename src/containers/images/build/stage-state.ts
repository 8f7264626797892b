import type { Variables } from "../dockerfile/words.ts";
import type { Layer, Layers } from "../layer/layers.ts";
import type { ContainerDefaults, Descriptor, HistoryItem, OciImageConfig } from "../oci-format.ts";
import type { StoredImage } from "../store/catalog.ts";
import type { WrittenLayer } from "./layer-content.ts";
import { MergedTree } from "./merged-tree.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The state of a stage between two instructions: files and configuration. */
export class StageState {
  config: ContainerDefaults;
  author: string | undefined;
  readonly history: HistoryItem[];
  readonly diffIds: string[];
  readonly blobs: Descriptor[];
  /** Declared by ARG in this stage. */
  readonly args = new Map<string, string>();
  shell: string[];
  /** CMD was set in this stage: ENTRYPOINT then keeps it. */
  cmdSet = false;
  /** The newest layer's time. */
  created: string | undefined;
  readonly #layers: Layers;
  #tree: MergedTree | undefined;

  constructor(layers: Layers, base: StageState | StoredImage | undefined) {
    this.#layers = layers;
    if (base instanceof StageState) {
      this.config = structuredClone(base.config);
      this.author = base.author;
      this.history = structuredClone(base.history);
      this.diffIds = [...base.diffIds];
      this.blobs = [...base.blobs];
      this.shell = [...base.shell];
      this.created = base.created;
      return;
    }
    this.config = structuredClone(base?.config.config ?? {});
    this.author = base?.config.author;
    this.history = structuredClone(base?.config.history ?? []);
    this.diffIds = [...(base?.config.rootfs.diff_ids ?? [])];
    this.blobs = [...(base?.manifest.layers ?? [])];
    this.shell = this.config.Shell ?? ["/bin/sh", "-c"];
    this.created = base?.config.created;
  }

  /** The current files; unpacks layers if needed. */
  async tree(): Promise<MergedTree> {
    this.#tree ??= new MergedTree(
      (await this.chain()).map((layer) => ({ dir: layer.dir, opaque: layer.meta.opaque })),
    );
    return this.#tree;
  }

  chain(): Promise<Layer[]> {
    return this.#layers.chain(
      this.diffIds,
      this.blobs.map((blob) => blob.digest),
    );
  }

  /** Applies a step's result. */
  addStep(text: string, layer: WrittenLayer | undefined, created: string | undefined): void {
    if (layer === undefined) {
      this.history.push({ created_by: text, empty_layer: true });
      return;
    }
    this.diffIds.push(layer.diffId);
    this.blobs.push(layer.descriptor);
    this.#tree = undefined;
    this.created = created;
    this.history.push({ ...(created === undefined ? {} : { created }), created_by: text });
  }

  get workdir(): string {
    return this.config.WorkingDir || "/";
  }

  /** ENV has priority over ARG (Dockerfile reference, "Using ARG variables"). */
  get variables(): Variables {
    const env = this.#env();
    return (name) => env.get(name) ?? this.args.get(name);
  }

  setEnv(name: string, value: string): void {
    const env = this.#env();
    env.set(name, value);
    this.config.Env = [...env].map(([key, text]) => `${key}=${text}`);
  }

  /** For a RUN step: the image's variables, then other build arguments. */
  runEnv(home: string): string[] {
    const env = this.#env();
    for (const [name, value] of this.args) if (!env.has(name)) env.set(name, value);
    if (!env.has("PATH")) env.set("PATH", defaultPath);
    if (!env.has("HOME")) env.set("HOME", home);
    return [...env].map(([key, text]) => `${key}=${text}`);
  }

  /** The stage as an image, without `created`, which the builder sets. */
  imageConfig(architecture: string): OciImageConfig {
    return {
      ...(this.author === undefined ? {} : { author: this.author }),
      architecture,
      os: "linux",
      config: { ...this.config, Env: this.config.Env ?? [`PATH=${defaultPath}`] },
      rootfs: { type: "layers", diff_ids: this.diffIds },
      history: this.history,
    };
  }

  #env(): Map<string, string> {
    return new Map(
      (this.config.Env ?? []).map((text) => {
        const equals = text.indexOf("=");
        return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
      }),
    );
  }
}
