/** `host:port` of an address with or without a port, as in Go's net package. */
export function externalAddress(hostname: string, port: number): string {
  if (/^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(hostname)) return hostname;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
