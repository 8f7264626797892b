/** `node bare-server.ts DATA_DIR`: prints its port, and answers every request with a pod's bytes. */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { join } from "node:path";
import { podBody } from "./pod.ts";

const read = (name: string): Buffer => readFileSync(join(process.argv[2] ?? ".", "pki", name));
const answer = Buffer.from(podBody("name", "a").padEnd(3700));
const server = createSecureServer({
  key: read("apiserver.key"),
  cert: read("apiserver.crt"),
  ca: read("ca.crt"),
  requestCert: true,
  rejectUnauthorized: false,
});
server.on("stream", (stream) => {
  stream.on("data", () => undefined);
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/json", "content-length": answer.length });
    stream.end(answer);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : ""}\n`);
});
