// Runs inside a pod's network namespace in tests: answers HTTP and UDP with its name and the peer it saw, and does what
// it is asked over the IPC channel from in there.
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { createServer, get } from "node:http";

const [, , name = "pod", port = "8080"] = process.argv;

createServer((request, response) => {
  response.setHeader("connection", "close");
  response.end(JSON.stringify({ name, peer: request.socket.remoteAddress?.replace("::ffff:", "") }));
}).listen(Number(port), "0.0.0.0", () => process.send?.({ id: 0, value: "ready" }));

const udp = createSocket("udp4");
udp.on("message", (_, from) => udp.send(JSON.stringify({ name, peer: from.address }), from.port, from.address));
udp.bind(Number(port), "0.0.0.0");

const tasks = {
  get: (url) =>
    new Promise((resolve, reject) => {
      get(url, { agent: false, timeout: 2_000 }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(JSON.parse(text)));
      })
        .on("timeout", function () {
          this.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
        })
        .on("error", reject);
    }),
  /** From the same port each time: to the kernel it is one flow. */
  datagram: (address, to) =>
    new Promise((resolve, reject) => {
      const socket = createSocket("udp4");
      const timer = setTimeout(() => {
        socket.close();
        reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
      }, 200);
      socket.on("error", reject);
      socket.on("message", (message) => {
        clearTimeout(timer);
        socket.close();
        resolve(JSON.parse(message.toString()));
      });
      socket.bind(5_555, () => socket.connect(to, address, () => socket.send("?")));
    }),
  async resolve(server, wanted, type) {
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    resolver.setServers([server]);
    return await resolver.resolve(wanted, type);
  },
};

process.on("message", async ({ id, task, args }) => {
  try {
    process.send?.({ id, value: await tasks[task](...args) });
  } catch (error) {
    process.send?.({ id, error: error.code ?? error.message });
  }
});
process.on("disconnect", () => process.exit());
