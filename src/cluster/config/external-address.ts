/** `host:port` of who is named with or without a port, as Go's net package reads and writes it. */
export function externalAddress(hostname: string, port: number): string {
  if (/^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(hostname)) return hostname;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
