import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { readCookie } from "../../access/access.ts";
import type { OidcLogin } from "../../access/oidc-login.ts";
import { ticketTtlS } from "../../access/oidc-ticket.ts";
import { personTtlMs } from "../../access/sessions.ts";
import { ServerError } from "../../kernel/errors.ts";
import type { AccessGuard } from "../access-guard.ts";
import type { ApiApp } from "../api-app.ts";
import { queryOf } from "../parameters.ts";
import { type Exchange, setCookie, setSessionCookie } from "../session-cookie.ts";

const ticketCookie = "eet_oidc";
const ticketPath = "/api/v1/oidc";
// Steps of a browser's navigation, which docs/security.md tells of.
const hide = true;

/** `/oidc/login` and `/oidc/callback`: they answer browsers, with where to go next. */
export function addOidcRoutes(app: ApiApp, guard: AccessGuard, oidc: OidcLogin): void {
  const loginQuery = queryOf({ next: Type.Optional(Type.String({ maxLength: 500 })) });
  app.get("/oidc/login", { schema: { hide, querystring: loginQuery } }, async (request, reply) => {
    try {
      const { url, cookie } = await oidc.begin(guard.originOf(request), request.query.next ?? "/");
      setTicket({ request, reply, guard }, cookie, ticketTtlS);
      return await reply.redirect(url, 303);
    } catch (thrown) {
      return sendBack(reply, thrown);
    }
  });

  // Providers add what they like to the query.
  app.get("/oidc/callback", { schema: { hide } }, async (request, reply) => {
    setTicket({ request, reply, guard }, "", 0);
    try {
      const cookie = readCookie(request.headers.cookie, ticketCookie);
      const { person, name, next } = await oidc.finish(searchOf(request), cookie);
      const { issuer, subject } = person;
      const facts = { issuer, subject };
      try {
        const { role, session } = guard.access.loginPerson(person, name);
        guard.review();
        await guard.audit.note({ act: "login", who: name, role, tokenId: null, address: request.ip, facts });
        setSessionCookie({ request, reply, guard }, session, personTtlMs / 1000);
      } catch (thrown) {
        await guard.audit.note({ act: "login.failed", who: name, address: request.ip, facts });
        throw thrown;
      }
      return await reply.redirect(next, 303);
    } catch (thrown) {
      return sendBack(reply, thrown);
    }
  });
}

/** A browser is shown what happened by the page, which knows the code. */
function sendBack(reply: FastifyReply, thrown: unknown): FastifyReply {
  if (!(thrown instanceof ServerError)) throw thrown;
  return reply.redirect(`/login#problem=${thrown.code}`, 303);
}

/** Comes along when the provider's site sends the browser back, which the session's cookie would not. */
function setTicket(exchange: Exchange, value: string, maxAgeS: number): void {
  setCookie(exchange, { name: ticketCookie, value, path: ticketPath, sameSite: "Lax", maxAgeS });
}

function searchOf({ url }: FastifyRequest): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at);
}
