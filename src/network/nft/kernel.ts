import { applyNft, listNft } from "../../linux/index.ts";

/** What the proxy needs of nftables; the real one starts the `nft` command, about 3 ms a time. */
export interface Nft {
  /** One transaction: all of the script or, with an error, nothing of it. */
  apply(script: string): Promise<void>;
  /** All tables, as `family name`. */
  tables(): Promise<Set<string>>;
}

export const kernelNft: Nft = {
  apply: applyNft,
  async tables() {
    const listing = (await listNft("tables")) as {
      nftables?: { table?: { family: string; name: string } }[];
    };
    return new Set(
      (listing.nftables ?? []).flatMap(({ table }) => (table ? [`${table.family} ${table.name}`] : [])),
    );
  },
};
