import type { FastifyRequest } from "fastify";
import Type from "typebox";
import type { Identity } from "../../access/access.ts";
import { sessionTtlMs } from "../../access/sessions.ts";
import { RequestError } from "../../kernel/errors.ts";
import type { AccessGuard } from "../access-guard.ts";
import { type ApiApp, emptyAnswer, jsonAnswer, problemAnswers } from "../api-app.ts";
import { queryOf } from "../parameters.ts";
import { formatToken } from "../resources/token-resource.ts";
import { endSessionCookie, setSessionCookie } from "../session-cookie.ts";

const tags = ["access"];
const Secret = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });

/** `/access`, `/login`, `/logout` and `/setup`: for people at the page. */
export function addAccessRoutes(app: ApiApp, guard: AccessGuard, nowMs: () => number): void {
  const { access } = guard;
  const readSchema = {
    ...{
      operationId: "readAccess",
      summary: "Who asks, and how the server is protected",
      description: "For everybody. The page asks it first, to know whether a login is needed.",
      tags,
      querystring: queryOf({}),
    },
    response: { 200: jsonAnswer("who asks", "Access"), ...problemAnswers },
  };
  app.get("/access", { schema: readSchema }, async (request) => {
    const identity = guard.identityOf(request);
    return {
      mode: access.mode,
      name: identity?.name ?? null,
      role: identity?.role ?? null,
      token_id: identity?.tokenId ?? null,
      is_session: identity?.session !== undefined,
      setup_open: access.isSetupOpen,
      oidc: guard.oidc === undefined ? null : { name: guard.oidc.name, contact: guard.oidc.contact },
    };
  });
  addSetup(app, guard, nowMs);
  addLogin(app, guard);
}

function addLogin(app: ApiApp, guard: AccessGuard): void {
  const { access, audit } = guard;
  const loginSchema = {
    ...{ operationId: "login", summary: "Begin a session", tags, querystring: queryOf({}) },
    description:
      "Sets the cookie eet_session (HttpOnly, SameSite=Strict), over TLS __Host-eet_session (Secure, too), which is good for a week. Programs need none: they send the token itself with each request.",
    body: Type.Object({ token: Secret("of a person or program, eet_a_...") }, { additionalProperties: false }),
    response: { 204: emptyAnswer("logged in: Set-Cookie"), ...problemAnswers },
  };
  app.post("/login", { schema: loginSchema }, async (request, reply) => {
    const identity = await tryLogin(guard, request, request.body.token);
    setSessionCookie({ request, reply, guard }, identity.session, sessionTtlMs / 1000);
    return reply.status(204).send(null);
  });

  const logoutSchema = {
    ...{ operationId: "logout", summary: "End the session of the cookie", tags, querystring: queryOf({}) },
    description: "What runs for it is cut off. Takes the cookie back also where there was no session.",
    response: { 204: emptyAnswer("logged out"), ...problemAnswers },
  };
  app.post("/logout", { schema: logoutSchema }, async (request, reply) => {
    const { session, name: who = "nobody", role = null, tokenId = null } = guard.identityOf(request) ?? {};
    if (session !== undefined) {
      access.logout(session);
      guard.review();
      await audit.note({ act: "logout", who, role, tokenId, address: request.ip });
    }
    endSessionCookie({ request, reply, guard });
    return reply.status(204).send(null);
  });
}

function addSetup(app: ApiApp, guard: AccessGuard, nowMs: () => number): void {
  const schema = {
    ...{ operationId: "setUp", summary: "Make the first token of an administrator", tags },
    description:
      "Goes once, by the code in the link that a start without an administrator logs; sets the cookie of a session, too. From then on everybody has to show a token.",
    ...{
      querystring: queryOf({}),
      body: Type.Object({ code: Secret("behind #setup= in the link") }, { additionalProperties: false }),
    },
    response: { 201: jsonAnswer("the token and, this once, its secret", "CreatedToken"), ...problemAnswers },
  };
  app.post("/setup", { schema }, async (request, reply) => {
    const { token, secret } = guard.access.setUp(request.body.code, request.ip);
    const { session } = guard.access.login(secret, request.ip);
    await guard.audit.note({ act: "setup", who: token.name, role: token.role, tokenId: token.id, address: request.ip });
    setSessionCookie({ request, reply, guard }, session, sessionTtlMs / 1000);
    return reply.status(201).send({ token: formatToken(token, nowMs()), secret });
  });
}

async function tryLogin({ access, audit }: AccessGuard, { ip }: FastifyRequest, secret: string) {
  try {
    const identity: Identity & { readonly session: string } = access.login(secret, ip);
    const { name: who, role, tokenId } = identity;
    await audit.note({ act: "login", who, role, tokenId, address: ip });
    return identity;
  } catch (thrown) {
    // Of those that have to wait there are as many as somebody likes to send.
    if (thrown instanceof RequestError) await audit.note({ act: "login.failed", who: "nobody", address: ip });
    throw thrown;
  }
}
