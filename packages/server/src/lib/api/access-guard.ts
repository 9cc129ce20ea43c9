import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access, Identity } from "../access/access.ts";
import type { AuditLog } from "../access/audit-store.ts";
import type { HostPolicy } from "../access/host-policy.ts";
import type { OidcLogin } from "../access/oidc-login.ts";
import { RefusedActs } from "../access/refused-acts.ts";
import { type RouteRight, rightOf } from "../access/route-roles.ts";
import { clientAddressOf } from "../kernel/client-address.ts";
import type { Clock } from "../kernel/clock.ts";
import { RequestError, ServerError } from "../kernel/errors.ts";
import { cameByTls } from "../kernel/forwarded-client.ts";
import type { ApiLimits } from "./api-limits.ts";
import { checkOrigin, safeMethods } from "./page-origin.ts";
import { RefusalRate, tooManyRefusals } from "./refusal-rate.ts";

const maxQuotedLength = 80;
/** Of a path, in the audit log. */
const maxPathLength = 200;
/** With which anybody is answered, as often as they like to ask. */
const strangerStatuses: ReadonlySet<number> = new Set([401, 421, 429]);

export interface AccessGuardOptions {
  readonly hosts: HostPolicy;
  readonly access: Access;
  readonly audit: AuditLog;
  /** Left out: people log in by tokens alone. */
  readonly oidc?: OidcLogin | undefined;
  /** Where people find the page; left out: as each request names the server. */
  readonly publicUrl?: string | undefined;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Looked at with each request. */
  readonly limits: Pick<ApiLimits, "maxApiRequestsPerS">;
}

/** Something that goes on for who asked for it, until it is destroyed. */
interface Destroyable {
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** Through which every request of a running server passes before its body is read: the one place for that. */
export class AccessGuard {
  readonly access: Access;
  readonly audit: AuditLog;
  /** `undefined`: people log in by tokens alone. */
  readonly oidc: OidcLogin | undefined;
  /** Where people find the page; `undefined`: as each request names the server. */
  readonly publicUrl: string | undefined;
  readonly #hosts: HostPolicy;
  readonly #identities = new WeakMap<FastifyRequest, Identity>();
  readonly #refusals: RefusalRate;
  readonly #refusedActs: RefusedActs;
  /** Asked for by a page of another site. */
  readonly #foreign = new WeakSet<FastifyRequest>();
  /** What is being answered, to whom. */
  readonly #running = new Map<Destroyable, Identity>();
  #alsoReview: (() => void) | undefined;

  constructor({ hosts, access, audit, oidc, publicUrl, clock, limits }: AccessGuardOptions) {
    this.oidc = oidc;
    this.publicUrl = publicUrl;
    this.#hosts = hosts;
    this.access = access;
    this.audit = audit;
    this.#refusals = new RefusalRate({ clock, limits, mode: () => access.mode });
    this.#refusedActs = new RefusedActs(audit);
  }

  /** Looks at every request of an HTTP server, those of unknown paths too. */
  watch(app: FastifyInstance): void {
    app.addHook("onRequest", async (request, reply) => this.#check(request, reply));
    app.addHook("onResponse", async (request, reply) => this.#noteAct(request, reply));
  }

  /** Takes note of what a request is refused for. @returns what it is answered with: who is refused too often has to wait */
  refuse(request: FastifyRequest, reply: FastifyReply, error: ServerError): ServerError {
    if (error.code === "ORIGIN_REFUSED") this.#foreign.add(request);
    const waitS = this.#refusals.note(error.code, request.ip);
    if (waitS === 0) return error;
    reply.header("retry-after", waitS).removeHeader("www-authenticate");
    return tooManyRefusals(waitS);
  }

  /** Writes what is to be written still; idempotent. */
  close(): void {
    this.#refusedActs.close();
  }

  /** Who sent a request; `undefined`: nobody that is known. */
  identityOf(request: FastifyRequest): Identity | undefined {
    return this.#identities.get(request);
  }

  /**
   * This server's origin, as the browser knows it that sent a request.
   *
   * @throws RequestError `HOST_REFUSED` for a name that a trusted proxy passes on and that is none of this server
   */
  originOf({ protocol, host }: FastifyRequest): string {
    if (this.publicUrl !== undefined) return new URL(this.publicUrl).origin;
    checkHost({ headers: { host } }, this.#hosts);
    return `${protocol}://${host}`;
  }

  /** Whether people find the page by TLS, by this server's own or by that of a proxy in front of it. */
  isFoundByTls({ raw }: FastifyRequest): boolean {
    return cameByTls(raw) || this.publicUrl?.startsWith("https:") === true;
  }

  /** Whether the sender of a request may see what goes on here, where the answer is for others, too. */
  mayRead(request: FastifyRequest): boolean {
    return (this.identityOf(request)?.role ?? null) !== null;
  }

  /**
   * Decides whether a viewer may connect.
   *
   * @param path - of the upgrade request
   * @throws RequestError and LimitError as requests get them
   */
  checkUpgrade(request: IncomingMessage, path: string): void {
    const { headers, socket } = request;
    checkHost({ headers }, this.#hosts);
    // A browser lets any page open a WebSocket and sends what it would send of a form: it is judged as such.
    checkOrigin({ method: "WebSocket", headers, isTls: cameByTls(request) }, this.publicUrl);
    const identity = this.access.identify(headers, clientAddressOf(request));
    this.access.require(identity, rightOf("GET", path));
    if (identity !== undefined) this.#follow(socket, identity);
  }

  /** Has others look, too, whenever some may not be let in any more. */
  reviewWith(review: () => void): void {
    this.#alsoReview = review;
  }

  /** Cuts off those who would not be let in any more. */
  review(): void {
    this.#alsoReview?.();
    for (const [running, identity] of this.#running) {
      if (!this.access.isStillGood(identity)) running.destroy();
    }
  }

  #check(request: FastifyRequest, reply: FastifyReply): void {
    checkHost(request, this.#hosts);
    const right = rightOf(request.method, request.routeOptions.url);
    try {
      const identity = this.#identify(request, right);
      this.access.require(identity, right);
      if (identity === undefined) return;
      this.#identities.set(request, identity);
      // Changes end by themselves, that by which the first token is made among them.
      if (safeMethods.has(request.method)) this.#follow(reply.raw, identity);
    } catch (thrown) {
      if (thrown instanceof ServerError && thrown.row.httpStatus === 401) reply.header("www-authenticate", "Bearer");
      throw thrown;
    }
  }

  #identify({ headers, ip }: FastifyRequest, right: RouteRight): Identity | undefined {
    try {
      return this.access.identify(headers, ip);
    } catch (thrown) {
      // Who needs to show nothing may show what is wrong.
      if (right === "none") return undefined;
      throw thrown;
    }
  }

  #follow(running: Destroyable, identity: Identity): void {
    this.#running.set(running, identity);
    running.once("close", () => this.#running.delete(running));
  }

  #noteAct(request: FastifyRequest, reply: FastifyReply): void {
    const right = rightOf(request.method, request.routeOptions.url);
    if (safeMethods.has(request.method) || (right !== "operator" && right !== "admin")) return;
    const identity = this.identityOf(request);
    if (identity === undefined || strangerStatuses.has(reply.statusCode) || this.#foreign.has(request)) {
      this.#refusedActs.note(request.ip);
      return;
    }
    const { name: who, role, tokenId } = identity;
    const path = (request.url.split("?", 1)[0] ?? "").slice(0, maxPathLength);
    const facts = { method: request.method, path, status: reply.statusCode };
    void this.audit.note({ act: "request", who, role, tokenId, address: request.ip, facts });
  }
}

/** The host policy, as far as requests need it. */
export type KnownHosts = Pick<HostPolicy, "allowsHost">;

/**
 * Refuses what a page of another site has led here, whatever it asks for: reading too, as such a page is of the same
 * origin to a browser once its name points here (DNS rebinding).
 *
 * @throws RequestError `HOST_REFUSED`
 */
export function checkHost({ headers: { host } }: Pick<FastifyRequest, "headers">, hosts: KnownHosts): void {
  if (hosts.allowsHost(host)) return;
  throw new RequestError("HOST_REFUSED", `the Host header is ${quote(host)}, which is no name of this server`);
}

function quote(text: unknown): string {
  return JSON.stringify(String(text).slice(0, maxQuotedLength));
}
