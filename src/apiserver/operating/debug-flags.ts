/** /debug/flags/v: changes the log verbosity at run time. */
import type { HandlerRequest } from "../contract.ts";
import { type Answer, textAnswer } from "../response.ts";

const plain = (status: number, text: string): Answer => {
  const answer = textAnswer(status, `${text}\n`);
  answer.headers["content-type"] = "text/plain";
  return answer;
};

/** Undefined for other paths. */
export function flagsAnswer(
  path: string,
  { method, body }: Pick<HandlerRequest, "method" | "body">,
  setVerbosity: (level: number) => void,
): Answer | undefined {
  if (path === "/debug/flags/v") {
    if (method !== "PUT") return plain(406, "unsupported http method");
    const text = Buffer.from(body ?? []).toString();
    if (!/^\d+$/.test(text) || Number(text) > 2 ** 31 - 1) {
      const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
      return plain(400, `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
    }
    setVerbosity(Number(text));
    return plain(200, `successfully set klog.logging.verbosity to ${Number(text)}`);
  }
  if (path !== "/debug/flags" && !path.startsWith("/debug/flags/")) return undefined;
  return {
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache, private" },
    body: Buffer.from(
      "<html>\n<head>\n<title>/debug/flags/</title>\n</head>\n<body>\n/debug/flags/<br>\n<br>\nflags:<br>\n<table>\n<tr>v<br>\n</table>\n<br>\nfull flags configurable<br>\n</body>\n</html>\n",
    ),
  };
}
