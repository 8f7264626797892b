import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Entry } from "../cache/entry.ts";
import { pieces } from "../response.ts";
import { ListBody } from "./list-body.ts";
import { PackedRuns } from "./packed-runs.ts";

const comma = Buffer.from(",");
const nothing = Buffer.alloc(0);

const entry = (name: string, revision: number, text = name): Entry =>
  new Entry(`default/${name}`, revision, Buffer.from(JSON.stringify({ text })), undefined);

const many = (count: number): Entry[] =>
  Array.from({ length: count }, (_, i) => entry(`pod-${String(i).padStart(5, "0")}`, i + 1));

async function read(from: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The list's plain bytes, after comparing them with the compressed ones, and how many objects had to be compressed. */
async function packed(entries: readonly Entry[], runs: PackedRuns): Promise<{ plain: string; made: number }> {
  let made = 0;
  const body = new ListBody(
    {
      head: Buffer.from(`{"items":[`),
      entries,
      item(each, first) {
        made++;
        return [first ? nothing : comma, each.json];
      },
      itemLength: (each) => each.json.length,
      tail: Buffer.from("]}\n"),
    },
    runs,
  );
  const zipped = await read(body.packed?.() ?? assert.fail("nothing packed"));
  const count = made;
  const plain = await read(pieces(body));
  assert.equal(gunzipSync(zipped).toString(), plain.toString());
  assert.equal(JSON.parse(plain.toString()).items.length, entries.length);
  return { plain: plain.toString(), made: count };
}

test("lists of any length are the same bytes, packed or not", async () => {
  const all = many(1000);
  for (const count of [0, 1, 2, 63, 64, 65, 1000]) await packed(all.slice(0, count), new PackedRuns());
  const long = [entry("long", 1, "x".repeat(300_000)), ...many(10), entry("longer", 2, "y".repeat(600_000))];
  await packed(long, new PackedRuns());
});

test("what has not changed is not packed again", async () => {
  const runs = new PackedRuns();
  const all = many(2000);
  assert.equal((await packed(all, runs)).made, 2000);
  assert.equal((await packed(all, runs)).made, 0);

  const changed = all.with(700, entry("pod-00700", 9000, "changed"));
  const { plain, made } = await packed(changed, runs);
  assert.ok(plain.includes("changed"));
  assert.ok(made > 0 && made < 1000, `${made} were packed again`);

  const fewer = changed.toSpliced(1500, 1);
  const after = await packed(fewer, runs);
  assert.ok(!after.plain.includes("pod-01500"));
  assert.ok(after.made > 0 && after.made < 1000, `${after.made} were packed again`);

  // The rest of a list begins a list of its own, and shares later runs.
  const rest = await packed(changed.slice(1000), runs);
  assert.ok(rest.made > 0 && rest.made < 500, `${rest.made} were packed again`);
});

test("lists that are asked for at once are packed once", async () => {
  const runs = new PackedRuns();
  const all = many(500);
  const made = await Promise.all([packed(all, runs), packed(all, runs), packed(all, runs)]);
  assert.equal(
    made.reduce((sum, { made: each }) => sum + each, 0),
    500,
  );
});

test("another object in the place of one is not taken for it", async () => {
  const runs = new PackedRuns();
  const [a, b, c] = [entry("a", 1), entry("b", 2), entry("c", 2)];
  await packed([a, b], runs);
  assert.ok((await packed([a, c], runs)).plain.includes('"c"'));
});
