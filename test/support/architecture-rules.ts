// What test/architecture.test.ts holds the packages to.

/** Who may import whom: the closed list. A room may always import itself; a path allows that file only. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  audio: [],
  client: ["protocol", "audio"],
  cli: ["client", "audio", "protocol", "server entrance"],
  "server/kernel": [],
  "server/config": ["server/kernel"],
  "server/storage": ["server/kernel"],
  "server/recording": ["server/kernel", "server/storage", "protocol"],
  "server/finishing": ["server/kernel", "server/storage", "audio", "protocol"],
  "server/catalog": ["server/kernel"],
  "server/upload": ["server/kernel", "protocol", "packages/server/src/lib/catalog/upload-queue.ts"],
  "server/ingest": ["server/kernel", "protocol"],
  // What is recorded by, in this process or in others.
  "server/hosting": ["server/kernel", "server/storage", "server/recording", "server/ingest", "protocol"],
  "server/playback": [
    "server/kernel",
    "server/storage",
    "server/finishing",
    "audio",
    "protocol",
    "packages/server/src/lib/catalog/catalog-reader.ts",
    "packages/server/src/lib/live/past-meter.ts",
  ],
  "server/events": [
    "server/kernel",
    "protocol",
    "packages/server/src/lib/catalog/event-log.ts",
    "packages/server/src/lib/catalog/delivery-queue.ts",
  ],
  "server/health": ["server/kernel", "packages/server/src/lib/catalog/annotations.ts"],
  "server/retention": [
    "server/kernel",
    "server/storage",
    "packages/server/src/lib/catalog/annotations.ts",
    "packages/server/src/lib/catalog/catalog-reader.ts",
    "packages/server/src/lib/catalog/retention-queue.ts",
  ],
  // Reads, and asks those who may: it knows interfaces and value types of the other rooms.
  "server/api": [
    "server/kernel",
    "server/access",
    "server/playback",
    "server/events",
    "server/health",
    "server/retention",
    "packages/server/src/lib/catalog/annotations.ts",
    "server/simulation",
    "packages/server/src/lib/catalog/catalog-reader.ts",
    "packages/server/src/lib/catalog/delivery-queue.ts",
    "packages/server/src/lib/catalog/event-log.ts",
    "packages/server/src/lib/catalog/upload-list.ts",
    "packages/server/src/lib/catalog/upload-queue.ts",
  ],
  // Tokens, roles, sessions: who may what.
  "server/access": ["server/kernel", "protocol"],
  // Sockets, TLS, proxies: by which way requests come in.
  "server/listening": ["server/kernel", "protocol"],
  "server/live": ["server/kernel", "audio", "protocol"],
  "server/backup": ["server/kernel", "server/storage", "packages/server/src/lib/catalog/catalog-copy-store.ts"],
  "server/doctor": [
    "server/kernel",
    "server/storage",
    "server/listening",
    "packages/server/src/lib/upload/object-store.ts",
  ],
  // The built web page, as files.
  "server/page": [],
  // Plays devices to the server's own entrance, as a client of it.
  "server/simulation": ["server/kernel", "audio", "protocol"],
  // Types only: the web page is checked against what the server answers.
  "server api types": ["server/api", "server/live", "server/kernel"],
  dashboard: ["server api types", "client"],
  // server.ts and what stands beside it wires all rooms.
  "server wiring": [
    "protocol",
    "server/kernel",
    "server/config",
    "server/storage",
    "server/recording",
    "server/finishing",
    "server/catalog",
    "server/upload",
    "server/ingest",
    "server/hosting",
    "server/playback",
    "server/events",
    "server/health",
    "server/retention",
    "server/api",
    "server/live",
    "server/backup",
    "server/doctor",
    "server/page",
    "server/access",
    "server/listening",
    "server/simulation",
  ],
  "server entrance": ["server wiring", "server/config", "server/finishing", "server/kernel", "server/simulation"],
  "server main": ["server wiring", "server/config", "server/kernel"],
};

/** Modules that reach the disk, the network, other processes or threads. */
export const inputOutputModules =
  /^(?:node:(?:fs|fs\/promises|net|http|https|tls|dgram|child_process|worker_threads)|better-sqlite3|ws|fastify|openid-client|piscina|pino|@aws-sdk\/.*)$/;

/** Files that are named for their I/O. */
export const inputOutputNames = /^(?:[a-z0-9-]+-store|[a-z0-9-]+-catalog|segment-file|ws-[a-z0-9-]+)\.ts$/;

/** Files with I/O under another name, and why. */
export const inputOutputExceptions: Readonly<Record<string, string>> = {
  "packages/cli/src/lib/demo/browser-window.ts": "opens the person's browser",
  "packages/cli/src/lib/stream/audio-input.ts": "opens what `eet stream` reads",
  "packages/cli/src/lib/stream/pcm-file.ts": "reads the file that `eet stream` sends",
  "packages/server/src/lib/access/oidc-provider.ts": "asks the OpenID provider",
  "packages/server/src/lib/api/http-api.ts": "the HTTP endpoints",
  "packages/server/src/lib/api/api-docs.ts": "an application that listens nowhere, for the document of the endpoints",
  "packages/server/src/lib/diagnose-access.ts": "looks at the rights of the tokens' file",
  "packages/server/src/lib/events/shell-command.ts": "runs the operator's command",
  "packages/server/src/lib/finishing/finisher.ts": "owns the worker threads",
  "packages/server/src/lib/hosting/spare-workers.ts": "begins the worker processes",
  "packages/server/src/lib/listening/http-servers.ts": "makes what listens",
  "packages/server/src/lib/listening/tls-material.ts": "asks OpenSSL whether it takes certificates; no I/O",
  "packages/server/src/lib/listening/trusted-proxies.ts": "asks whether a text is an address; no I/O",
  "packages/server/src/lib/logger.ts": "writes the log",
  "packages/server/src/lib/playback/playback-threads.ts": "owns the worker threads",
  "packages/server/src/lib/server-parts.ts": "creates the data folder before the rooms open it",
  "packages/server/src/lib/upload/object-store-worker.ts": "is the object store's thread",
  "packages/server/src/lib/upload/s3-errors.ts": "knows the SDK's errors by their classes",
};

/** Files with I/O that are to get a name that says so. */
export const awaitingRename: readonly string[] = ["packages/server/src/lib/upload/source-file.ts"];

/** Default exports that a library demands. */
export const defaultExports: readonly string[] = [
  "packages/server/src/lib/finishing/crashing-worker.test-support.ts",
  "packages/server/src/lib/finishing/finish-worker.ts",
  "packages/server/src/lib/playback/crashing-worker.test-support.ts",
  "packages/server/src/lib/playback/playback-worker.ts",
  "scripts/run-reporter.ts",
];
