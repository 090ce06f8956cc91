// How a server is told at which ports it is to listen.

/** `PORT` for the first interface, and such as `GRPC_PORT` for each other. */
export function portVariables(ports: readonly { key: string; port: number }[]): Record<string, string> {
  const nameOf = (key: string) => `${key.replaceAll('-', '_').toUpperCase()}_PORT`;
  return Object.fromEntries(ports.map(({ key, port }, index) => [index === 0 ? 'PORT' : nameOf(key), String(port)]));
}
