import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { AccessGuard } from "./api/access-guard.ts";
import { RefusalLog } from "./ingest/refusal-log.ts";
import { pathOf } from "./ingest/route.ts";
import type { WsEndpoint } from "./ingest/ws-endpoint.ts";
import { refuseUpgrade } from "./ingest/ws-refusal.ts";
import type { Clock } from "./kernel/clock.ts";
import { RequestError, ServerError, systemErrorCode } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { Limiting } from "./limiting.ts";
import { livePath } from "./live/live-messages.ts";
import type { WsLiveEndpoint } from "./live/ws-live-endpoint.ts";

export interface UpgradeRoutes {
  /** Gets every upgrade that is not a viewer's, those of unknown paths included: it refuses them. */
  readonly devices: WsEndpoint;
  readonly viewers: WsLiveEndpoint;
  readonly guard: AccessGuard;
  readonly clock: Clock;
  readonly log: Log;
  readonly limiting: Pick<Limiting, "bound" | "tally">;
  /** Looks at each request first of all. @returns why it may not come in here */
  readonly receive: (request: IncomingMessage) => ServerError | undefined;
}

/**
 * Gives the upgrade requests of an HTTP server to the WebSocket entrance that they ask for, and counts who did not come as
 * far as asking.
 */
export function routeUpgrades(server: Server, routes: UpgradeRoutes): void {
  const { devices, viewers, receive, limiting, clock, log } = routes;
  limiting.bound(server);
  devices.start();
  const refusals = new RefusalLog({ clock, log, tally: limiting.tally, message: "WebSocket refused" });
  const refuse = (request: IncomingMessage, socket: Duplex, refusal: ServerError) => {
    refusals.note(request, refusal);
    refuseUpgrade(socket, refusal);
  };
  viewers.onBadUpgrade = refuse;
  server.on("tlsClientError", (error: unknown) => {
    if (systemErrorCode(error) === "ERR_TLS_HANDSHAKE_TIMEOUT") limiting.tally.note("TLS_HANDSHAKE_TIMEOUT");
  });
  server.on("upgrade", (request, socket, head) => {
    try {
      const isViewer = pathOf(request.url ?? "") === livePath;
      const refusal = receive(request) ?? (isViewer ? findViewerFault(request, routes) : undefined);
      if (refusal !== undefined) refuse(request, socket, refusal);
      else (isViewer ? viewers : devices).handleUpgrade(request, socket, head);
    } catch (thrown) {
      // Nobody else would catch it: it would end the recording of all.
      refuse(request, socket, new RequestError("INTERNAL", "the request could not be answered", { cause: thrown }));
    }
  });
}

function findViewerFault(request: IncomingMessage, routes: UpgradeRoutes): ServerError | undefined {
  return findAccessFault(request, routes) ?? routes.viewers.refusalReason(request);
}

function findAccessFault(request: IncomingMessage, { guard }: UpgradeRoutes): ServerError | undefined {
  try {
    guard.checkUpgrade(request, livePath);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ServerError) return thrown;
    throw thrown;
  }
}
