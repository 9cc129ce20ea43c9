import type { Role } from "./token.ts";

/** What a route needs: a role, any credentials at all (those of devices too), or nothing. */
export type RouteRight = Role | "any" | "none";

/**
 * Which route needs what: the one place for it. Files of the page are not here, they are for everybody: the login is among
 * them. A route that is in no table needs the strongest role.
 */
export const routeRights: Readonly<Record<string, RouteRight>> = {
  "GET /healthz": "none",
  "GET /readyz": "none",
  "POST /echo": "any",
  "GET /api/openapi.json": "none",

  "GET /api/v1/access": "none",
  "POST /api/v1/login": "none",
  "POST /api/v1/logout": "none",
  "POST /api/v1/setup": "none",
  "GET /api/v1/oidc/login": "none",
  "GET /api/v1/oidc/callback": "none",

  "GET /metrics": "viewer",
  "GET /api/v1/metrics": "viewer",
  "GET /api/v1/live": "viewer",
  "GET /api/v1/devices": "viewer",
  "GET /api/v1/devices/:hwid": "viewer",
  "GET /api/v1/devices/:hwid/audio": "viewer",
  "GET /api/v1/devices/:hwid/audio/gaps": "viewer",
  "GET /api/v1/devices/:hwid/peaks": "viewer",
  "GET /api/v1/devices/:hwid/pins": "viewer",
  "GET /api/v1/devices/:hwid/sessions": "viewer",
  "GET /api/v1/devices/:hwid/spectrogram": "viewer",
  "GET /api/v1/devices/:hwid/timeline": "viewer",
  "GET /api/v1/sessions": "viewer",
  "GET /api/v1/sessions/:session": "viewer",
  "GET /api/v1/segments": "viewer",
  "GET /api/v1/segments/:id": "viewer",
  "GET /api/v1/segments/:id/files/:kind": "viewer",
  "GET /api/v1/pins": "viewer",
  "GET /api/v1/events": "viewer",
  "GET /api/v1/events/stream": "viewer",
  "GET /api/v1/deliveries": "viewer",
  "GET /api/v1/dead-letters": "viewer",
  "GET /api/v1/retention/preview": "viewer",
  "GET /api/v1/storage": "viewer",
  "GET /api/v1/uploads": "viewer",
  "GET /api/v1/simulated-devices": "viewer",

  "PATCH /api/v1/devices/:hwid": "operator",
  "POST /api/v1/devices/:hwid/pins": "operator",
  "DELETE /api/v1/pins/:id": "operator",
  "POST /api/v1/deliveries/replay": "operator",
  "POST /api/v1/dead-letters/replay": "operator",
  "POST /api/v1/uploads/retry": "operator",
  "POST /api/v1/simulated-devices": "operator",
  "DELETE /api/v1/simulated-devices/:hwid": "operator",

  "DELETE /api/v1/segments/:id": "admin",
  "DELETE /api/v1/devices/:hwid/segments": "admin",
  "POST /api/v1/retention/run": "admin",
  "GET /api/v1/log-level": "admin",
  "PUT /api/v1/log-level": "admin",
  "GET /api/v1/tokens": "admin",
  "POST /api/v1/tokens": "admin",
  "DELETE /api/v1/tokens/:id": "admin",
  "POST /api/v1/tokens/:id/rotate": "admin",
};

/** Where everything is for everybody: the page that shows the API's document. */
const openFolders = ["/api/docs"] as const;

/**
 * What a request needs.
 *
 * @param route - pattern of the route, as `/api/v1/devices/:hwid`; `undefined` where none answers
 */
export function rightOf(method: string, route: string | undefined): RouteRight {
  // That nothing answers there is no secret: the API's document is for everybody.
  if (route === undefined) return "none";
  const right = routeRights[`${method === "HEAD" ? "GET" : method} ${route}`];
  if (right !== undefined) return right;
  if (openFolders.some((folder) => route === folder || route.startsWith(`${folder}/`))) return "none";
  return route.startsWith("/api/") ? "admin" : "none";
}
