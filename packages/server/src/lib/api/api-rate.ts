import rateLimit from "@fastify/rate-limit";
import type { FastifyRequest } from "fastify";
import { addressKeyOf } from "../kernel/client-address.ts";
import { LimitError } from "../kernel/errors.ts";
import type { AccessGuard } from "./access-guard.ts";
import type { ApiApp } from "./api-app.ts";
import type { ApiLimits } from "./api-limits.ts";
import { isAddressCounted, apiRateWindowS as windowS } from "./refusal-rate.ts";

/** Tokens and addresses that are counted; the one that asked longest ago is forgotten first. */
const maxKeyCount = 10_000;

/**
 * Bounds how often one client asks: by its token, and where it shows none by its address. Programs of this machine are
 * not counted while the server is open to them alone. A stream counts once, however long it goes on; the page's files are not
 * counted. Answers tell by RateLimit-Limit, -Remaining and -Reset how much is left, refusals by Retry-After when to come back.
 *
 * @param limits - looked at with each request
 */
export function limitApiRate(
  app: ApiApp,
  guard: Pick<AccessGuard, "identityOf" | "access"> | undefined,
  limits: Pick<ApiLimits, "maxApiRequestsPerS">,
): void {
  if (guard === undefined) return;
  const keyOf = (request: FastifyRequest) => {
    const token = guard.identityOf(request)?.tokenId ?? undefined;
    if (token !== undefined) return `token ${token}`;
    return isAddressCounted(request.ip, guard.access.mode) ? (addressKeyOf(request.ip) ?? "this machine") : undefined;
  };
  app.register(rateLimit, {
    max: () => limits.maxApiRequestsPerS * windowS,
    timeWindow: windowS * 1000,
    cache: maxKeyCount,
    enableDraftSpec: true,
    keyGenerator: (request) => keyOf(request) ?? "",
    allowList: (request) => limits.maxApiRequestsPerS === 0 || keyOf(request) === undefined,
    errorResponseBuilder: (request, { max, ttl }) => {
      const who = guard.identityOf(request)?.tokenId == null ? "this address" : "this token";
      const waitS = Math.ceil(ttl / 1000);
      return new LimitError("API_RATE_LIMIT", `${who} may ask ${max} times in ${windowS} s; wait ${waitS} s`);
    },
  });
}
