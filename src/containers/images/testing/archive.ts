import { createHash } from "node:crypto";
import { encodeEntry, type NewEntry, trailer } from "../tar/writer.ts";

export type Member = NewEntry & { content?: string | Buffer };

/** A whole tar archive in memory. */
export function archive(...members: Member[]): Buffer {
  const parts = members.map(({ content, ...entry }) => encodeEntry(entry, Buffer.from(content ?? "")));
  return Buffer.concat([...parts, trailer()]);
}

export const digestOf = (data: Buffer): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;

/** An OCI archive with one image of these layers (each plain or compressed, with its diff id). */
export function ociArchive(
  layers: readonly { data: Buffer; diffId: string }[],
  name: string | undefined,
  config: object = {},
): Buffer {
  const documents = new Map<string, Buffer>();
  const put = (data: Buffer): { digest: string; size: number } => {
    documents.set(digestOf(data), data);
    return { digest: digestOf(data), size: data.length };
  };
  const configuration = put(
    Buffer.from(
      JSON.stringify({
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        os: "linux",
        config,
        rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
      }),
    ),
  );
  const manifest = put(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: { mediaType: "application/vnd.oci.image.config.v1+json", ...configuration },
        layers: layers.map(({ data }) => ({
          mediaType: "application/vnd.oci.image.layer.v1.tar",
          ...put(data),
        })),
      }),
    ),
  );
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        ...manifest,
        ...(name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } }),
      },
    ],
  };
  return archive(
    { path: "oci-layout", type: "file", content: '{"imageLayoutVersion":"1.0.0"}' },
    { path: "index.json", type: "file", content: JSON.stringify(index) },
    ...[...documents].map(
      ([digest, content]): Member => ({ path: `blobs/sha256/${digest.slice(7)}`, type: "file", content }),
    ),
  );
}

/** One image with one layer of these members. */
export function smallImage(name: string, ...members: Member[]): Buffer {
  const layer = archive(...members);
  return ociArchive([{ data: layer, diffId: digestOf(layer) }], name);
}
