/** The beginning of an undecodable body, as Kubernetes shows it. */
export function summarize(body: Uint8Array): string {
  const limit = 30;
  const bytes = Buffer.from(body);
  if (bytes.length === 0) return "<empty>";
  const more = bytes.length > limit ? " ..." : "";
  const head = bytes.subarray(0, limit);
  return (bytes[0] === 0x7b ? head.toString() : head.toString("hex")) + more;
}
