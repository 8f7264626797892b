/** Text armour of DER (RFC 7468). */

export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The first block with one of these labels. */
export function pemBlock(text: string, ...labels: string[]): Buffer | undefined {
  const block = new RegExp(`-----BEGIN (?:${labels.join("|")})-----([\\s\\S]*?)-----END `).exec(text);
  return block ? Buffer.from(block[1] ?? "", "base64") : undefined;
}
