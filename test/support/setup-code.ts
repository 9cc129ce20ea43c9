import { type ServerOptions, silentLog } from "@eet/server";

/** A log that remembers the code of the set-up link, which a server without an administrator tells. */
export class SetupCodeLog {
  #code = "";

  /** As a server takes it. */
  readonly log: ServerOptions["log"] = {
    ...silentLog,
    level: "info",
    warn: ({ setUp }: Readonly<Record<string, unknown>>) => {
      if (typeof setUp === "string") this.#code = new URL(setUp).hash.slice("#setup=".length);
    },
  };

  /** Empty until the server listens. */
  get code(): string {
    return this.#code;
  }
}
