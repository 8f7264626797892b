import { applyNft, listNft } from "../../linux/index.ts";

/** The nftables operations that the proxy needs; implemented by the `nft` command, about 3 ms a call. */
export interface Nft {
  /** One transaction: the whole script is applied or, with an error, nothing. */
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
