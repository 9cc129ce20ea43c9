import type { Clock } from "../kernel/clock.ts";
import { LineRation } from "../kernel/line-ration.ts";
import type { Log } from "../kernel/log.ts";

/** What clients do who cannot know better, and what helps. */
const advice: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST:
    "it speaks HTTP without TLS: give it wss:// or https://, or a port of its own with --plain-port",
  ERR_SSL_WRONG_VERSION_NUMBER: "it speaks no TLS: give it wss:// or https://, or a port of its own with --plain-port",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "it speaks TLS 1.1 or older; the server takes 1.2 and 1.3",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "it does not know the authority of the server's certificate: give it that (--ca)",
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: "it does not take the server's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "the server's certificate is past its time, or the client's clock is wrong",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "it does not take the server's certificate: wrong name, or authority",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "it does not take the server's certificate: wrong name, or authority",
};

/** Tells of clients that TLS did not come about with: each kind once a minute, with how many there were. */
export class HandshakeLog {
  readonly #log: Log;
  readonly #ration: LineRation;

  constructor({ clock, log }: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Log }) {
    this.#log = log;
    this.#ration = new LineRation({ clock });
  }

  note(code: string, remote: string): void {
    const more = this.#ration.take(code);
    if (more === undefined) return;
    const fix = advice[code];
    const facts = { code, remote, ...more, ...(fix !== undefined && { fix }) };
    if (fix === undefined) this.#log.debug(facts, "TLS handshake failed");
    else this.#log.warn(facts, "TLS handshake failed");
  }
}
