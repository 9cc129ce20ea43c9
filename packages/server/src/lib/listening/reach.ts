/** Settings that say from where a server is reached. */
export interface ReachSettings {
  readonly host: string;
  readonly plainHost: string;
  readonly plainPort?: number | undefined;
  readonly trustedProxies?: string | undefined;
}

/**
 * The setting by which others than programs of this machine reach a server; `undefined` where there is none. Behind a proxy
 * the network is, wherever the proxy runs.
 */
export function describeReach(
  { host, plainHost, plainPort, trustedProxies }: ReachSettings,
  isLoopback: (host: string) => boolean,
): string | undefined {
  if (!isLoopback(host)) return `--host ${host}`;
  if (plainPort !== undefined && !isLoopback(plainHost)) return `--plain-host ${plainHost}`;
  return trustedProxies === undefined ? undefined : `--trusted-proxies ${trustedProxies}`;
}
