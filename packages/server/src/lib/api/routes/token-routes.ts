import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { parseHwidPattern } from "../../access/hwid-pattern.ts";
import type { Role } from "../../access/token.ts";
import { RequestError } from "../../kernel/errors.ts";
import type { AccessGuard } from "../access-guard.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import { queryOf } from "../parameters.ts";
import { formatToken, NewTokenBody, RotateBody } from "../resources/token-resource.ts";

const dayMs = 24 * 3_600_000;
const hourMs = 3_600_000;
const defaultOverlapH = 24;
const tags = ["access"];
const TokenParams = Type.Object({ id: Type.String({ maxLength: 40, description: "id of a token" }) });

/** `/tokens`. */
export function addTokenRoutes(app: ApiApp, guard: AccessGuard, nowMs: () => number): void {
  const { tokens } = guard.access;
  const listSchema = {
    ...{ operationId: "listTokens", summary: "Tokens, without their secrets", tags, querystring: queryOf({}) },
    response: { 200: jsonAnswer("every token that was made, the oldest first", "TokenList"), ...problemAnswers },
  };
  app.get("/tokens", { schema: listSchema }, async () => ({
    tokens: tokens.list().map((token) => formatToken(token, nowMs())),
  }));

  const createSchema = {
    ...{ operationId: "createToken", summary: "Make a token", tags },
    description:
      "Either hwid or role says whom it is for. The first token of a server protects it: from then on everybody has to show one.",
    ...{ querystring: queryOf({}), body: NewTokenBody },
    response: { 201: jsonAnswer("the token and, this once, its secret", "CreatedToken"), ...problemAnswers },
  };
  app.post("/tokens", { schema: createSchema }, async (request, reply) => {
    const { body } = request;
    const lifetimeMs = body.expires_days === undefined ? null : body.expires_days * dayMs;
    const { token, secret } = tokens.create({ ...parseKind(body), name: body.name ?? "", lifetimeMs });
    await noteAct(guard, request, "token.created", token.id);
    return reply.status(201).send({ token: formatToken(token, nowMs()), secret });
  });

  const revokeSchema = {
    ...{ operationId: "revokeToken", summary: "Revoke a token, for ever", tags },
    description: "Connections, sessions and streams that came with it end within a second.",
    ...{ params: TokenParams, querystring: queryOf({}) },
    response: { 200: jsonAnswer("the token", "Token"), ...problemAnswers },
  };
  app.delete("/tokens/:id", { schema: revokeSchema }, async (request) => {
    const token = tokens.revoke(request.params.id);
    await noteAct(guard, request, "token.revoked", token.id);
    return formatToken(token, nowMs());
  });
  addRotation(app, guard, nowMs);
}

function addRotation(app: ApiApp, guard: AccessGuard, nowMs: () => number): void {
  const schema = {
    ...{ operationId: "rotateToken", summary: "Make the successor of a token", tags },
    description: "For the same devices or of the same role, and for as long. The old one ends after the overlap.",
    ...{ params: TokenParams, querystring: queryOf({}), body: RotateBody },
    response: { 201: jsonAnswer("the successor and, this once, its secret", "CreatedToken"), ...problemAnswers },
  };
  app.post("/tokens/:id/rotate", { schema }, async (request, reply) => {
    const { overlap_h: overlapH = defaultOverlapH, expires_days: days } = request.body;
    const rotation = { overlapMs: overlapH * hourMs, lifetimeMs: days === undefined ? undefined : days * dayMs };
    const { token, secret } = guard.access.tokens.rotate(request.params.id, rotation);
    await noteAct(guard, request, "token.rotated", token.id, request.params.id);
    return reply.status(201).send({ token: formatToken(token, nowMs()), secret });
  });
}

/** @throws RequestError `PARAMETER_INVALID` */
function parseKind({ hwid, role }: { readonly hwid?: string; readonly role?: Role }) {
  if ((hwid === undefined) === (role === undefined)) {
    throw new RequestError("PARAMETER_INVALID", "give either hwid, for devices, or role, for people and programs");
  }
  if (role !== undefined) return { kind: "api", role } as const;
  const hwidPattern = parseHwidPattern(hwid ?? "");
  if (hwidPattern !== undefined) return { kind: "device", hwidPattern } as const;
  const detail = `hwid is ${JSON.stringify(hwid)}; allowed: 1 to 64 letters, digits, '-', '_', ':', '.', with '*' and '?'`;
  throw new RequestError("PARAMETER_INVALID", detail);
}

/** Waited for: who made a token can be found, whatever happens next. */
async function noteAct(guard: AccessGuard, request: FastifyRequest, act: string, token: string, of?: string) {
  const { name: who = "nobody", role = null, tokenId = null } = guard.identityOf(request) ?? {};
  const facts = { token, ...(of !== undefined && { of }) };
  await guard.audit.note({ act, who, role, tokenId, address: request.ip, facts });
}
