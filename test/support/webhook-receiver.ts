import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { Conditions } from "./conditions.ts";

/** What came in one request. */
export interface ReceivedWebhook {
  readonly id: string;
  readonly headers: IncomingMessage["headers"];
  readonly event: {
    readonly id: number;
    readonly type: string;
    readonly time: string;
    readonly hwid: string | null;
    readonly data: Readonly<Record<string, unknown>>;
  };
  /** The status it was answered with. */
  readonly status: number;
}

/** Says how to answer; `undefined` for not at all. */
export type WebhookAnswer = (
  webhook: Omit<ReceivedWebhook, "status">,
) => number | undefined | Promise<number | undefined>;

/** A receiver of webhooks that checks each signature with the reference library. Disposing of it ends it. */
export class WebhookReceiver implements AsyncDisposable {
  /** For `EET_WEBHOOK_SECRET`. */
  readonly secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
  /** Every request, in the order of their ends. */
  readonly requests: ReceivedWebhook[] = [];
  /** How requests are answered from now on. */
  answer: WebhookAnswer = () => 204;
  /** Told of each new connection, by the sender's port. */
  onConnection: (port: number) => void = () => {};
  /** Headers of answers. */
  headers: Readonly<Record<string, string>> = {};
  readonly #server: Server;
  readonly #conditions = new Conditions(() => `${this.requests.length} requests have come`);

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on("connection", ({ remotePort = 0 }) => this.onConnection(remotePort));
  }

  /** @param port - default: a free one */
  static async start(port = 0): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await once(receiver.#server.listen(port, "127.0.0.1"), "listening");
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?token=very-hidden`;
  }

  /** Those that were answered with success. */
  get delivered(): readonly ReceivedWebhook[] {
    return this.requests.filter(({ status }) => status >= 200 && status < 300);
  }

  /** Waits until what came fulfils a condition. @param deadlineMs - default 30 s */
  until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    return this.#conditions.until(what, isSo, deadlineMs);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await readWhole(request);
    // A sender that is killed in between has sent nothing.
    if (chunks === undefined) return;
    const { headers } = request;
    const id = String(headers["webhook-id"]);
    const body = Buffer.concat(chunks).toString();
    // Not `verify`, which goes by the machine's clock: senders may have one of their own.
    const sentAt = new Date(Number(headers["webhook-timestamp"]) * 1000);
    assert.equal(headers["webhook-signature"], new Webhook(this.secret).sign(id, sentAt, body));
    const webhook = { id, headers, event: JSON.parse(body) };
    const status = await this.answer(webhook);
    this.requests.push({ ...webhook, status: status ?? 0 });
    if (status !== undefined) response.writeHead(status, this.headers).end("what it says does not matter");
    this.#conditions.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** @returns `undefined` when the sender went before the end */
async function readWhole(request: IncomingMessage): Promise<readonly Buffer[] | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
    return chunks;
  } catch {
    return undefined;
  }
}
