import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { PageFile, PageFiles } from "./page-files-store.ts";

/** Paths that the page reads itself: each is answered with its `index.html`. */
const viewPaths = [
  "/",
  "/access",
  "/add",
  "/login",
  "/mic",
  "/storage",
  "/device/:hwid",
  "/device/:hwid/archive",
] as const;

/** The page takes everything from its own server, and no other page may hold it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

/** Serves the web page: its views, and the files that they load. */
export function addPage(app: FastifyInstance, files: PageFiles): void {
  const index = files.get("/index.html");
  if (index === undefined) throw new TypeError("the page has no index.html");
  for (const path of viewPaths) app.get(path, (request, reply) => sendFile(request, reply, index));
  for (const [path, file] of files) {
    if (file !== index) app.get(path, (request, reply) => sendFile(request, reply, file));
  }
  // Who mistypes an address in a browser is told so by the page; programs get a problem.
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404 && isLookedAt(request)) return sendFile(request, reply.status(404), index);
    return undefined;
  });
}

/** Whether a person asks, for none of the paths that are for programs. */
function isLookedAt({ method, url, headers }: FastifyRequest): boolean {
  return method === "GET" && !/^\/(?:api|assets|ws)(?:[/?]|$)/.test(url) && /\btext\/html\b/.test(headers.accept ?? "");
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.headers({
    "content-type": file.contentType,
    "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    "content-security-policy": policy,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    etag: file.etag,
    vary: "accept-encoding",
  });
  if (isCurrent(request, file)) return reply.status(304).send();
  if (file.gzipped === undefined || !takesGzip(request)) return reply.send(file.body);
  return reply.header("content-encoding", "gzip").send(file.gzipped);
}

function isCurrent({ headers }: FastifyRequest, { etag }: PageFile): boolean {
  const known = headers["if-none-match"]?.split(",").map((tag) => tag.trim());
  return known !== undefined && (known.includes(etag) || known.includes("*"));
}

function takesGzip({ headers }: FastifyRequest): boolean {
  return /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i.test(
    String(headers["accept-encoding"] ?? ""),
  );
}
