import { lookup } from "node:dns/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Where to listen. */
interface Target {
  readonly host: string;
  readonly port: number;
}

/** The addresses that a host to listen on means: of `localhost` all, as programs try the one or the other. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== "localhost") return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return [...new Set(found.map(({ address }) => address))];
}

/** @throws the system's error */
export function listenOn(server: Server, { host, port }: Target): Promise<Target> {
  const { promise, resolve, reject } = Promise.withResolvers<Target>();
  server.once("error", reject);
  server.listen({ host, port }, () => {
    server.off("error", reject);
    const { address, port: taken } = server.address() as AddressInfo;
    resolve({ host: address, port: taken });
  });
  return promise;
}

/** Takes no new connections. @returns resolves when the last one is closed */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
