import { ConfigError } from "../kernel/errors.ts";
import type { ObjectStoreOptions } from "./object-store.ts";

/**
 * Scaleway needs keys of its own: the SDK's default chain would sign with what AWS_* holds. [S-4.5]
 *
 * @throws ConfigError `CONFIG_MISSING`
 */
export function requireScalewayKeys({ provider, credentials }: ObjectStoreOptions): void {
  if (provider !== "scaleway" || credentials.kind === "static") return;
  throw new ConfigError("CONFIG_MISSING", "Scaleway needs SCW_ACCESS_KEY and SCW_SECRET_KEY");
}
