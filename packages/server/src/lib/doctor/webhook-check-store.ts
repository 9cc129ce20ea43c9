import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import { type Finding, failure, warning, well } from "./finding.ts";

const timeoutMs = 5_000;

/** A webhook that is to be looked at. */
export interface WebhookCheck {
  readonly name: string;
  readonly url: string;
  /** Sends a signed ping; `undefined` when it was taken, else what came. Left out: only a connection is made. */
  readonly ping?: () => Promise<string | undefined>;
}

/** Connects to where a webhook goes, by TLS where its URL says so, and pings it if that is wanted. */
export async function checkWebhook({ name, url, ping }: WebhookCheck): Promise<Finding> {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === "https:";
  const host = hostname.replace(/^\[|\]$/g, "");
  const place = { host, port: Number(port || (isTls ? 443 : 80)) };
  const what = `${name} at ${hostname}:${place.port}`;
  try {
    await reach(place, isTls);
  } catch (thrown) {
    return describeUnreached(what, toError(thrown));
  }
  if (ping === undefined) return well("webhooks", `${what} takes connections; --ping-webhooks sends a signed ping`);
  const fault = await ping();
  if (fault === undefined) return well("webhooks", `${what} takes signed events`);
  const fix = "Compare its secret with the receiver's, and look why it does not answer 2xx to a type it does not know.";
  return failure("webhooks", `${what} takes no ping: ${fault}`, fix);
}

async function reach(place: { readonly host: string; readonly port: number }, isTls: boolean): Promise<void> {
  // A name, but no address, may stand in the greeting. [RFC 6066, 3]
  const servername = /^[\d.]+$|:/.test(place.host) ? {} : { servername: place.host };
  const socket = isTls ? connectTls({ ...place, ...servername }) : connect(place);
  try {
    await once(socket, isTls ? "secureConnect" : "connect", { signal: AbortSignal.timeout(timeoutMs) });
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}

function describeUnreached(what: string, error: Error): Finding {
  const code = systemErrorCode(error) ?? "";
  if (error.name === "AbortError") {
    const fix = "Look whether a firewall stands between; events wait for it, for Events:WebhookMaxAgeD at most.";
    return failure("webhooks", `${what} takes no connection within ${timeoutMs / 1000} s`, fix);
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return failure("webhooks", `${what}: its name is not known here`, "Correct its Url, or the DNS of this machine.");
  if (/^(?:ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL)/.test(code)) {
    const fix = "Give it a certificate that this machine trusts; NODE_EXTRA_CA_CERTS names further authorities.";
    return failure("webhooks", `${what}: its certificate is not good: ${error.message}`, fix);
  }
  return warning(
    "webhooks",
    `${what} takes no connection: ${error.message}`,
    "Start the receiver; events wait for it.",
  );
}
