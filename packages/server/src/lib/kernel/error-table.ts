import type { ErrorRow } from "./error-row.ts";
import { limitErrors } from "./limit-error-table.ts";

export type { ErrorRow, Retry } from "./error-row.ts";

/**
 * Every error of the server that is not a violation of the wire protocol (those are in `@eet/protocol`, which cannot
 * depend on the server). docs/errors.md lists both; a test holds it equal.
 */
export const serverErrors = {
  CONFIG_INVALID: {
    title: "The settings are not usable",
    retry: "after-fix",
    fix: "Correct each setting the message names; `eet config` shows the effective ones and where each comes from.",
  },
  CONFIG_UNKNOWN_KEY: {
    title: "A setting has an unknown name",
    retry: "after-fix",
    fix: "Remove or rename it; docs/configuration.md lists every setting.",
  },
  CONFIG_BAD_VALUE: {
    title: "A setting has a value outside of what is allowed",
    retry: "after-fix",
    fix: "Give one of the allowed values that the message lists.",
  },
  CONFIG_BAD_FILE: {
    title: "A settings file cannot be read",
    retry: "after-fix",
    fix: "Correct the file at the place the message names; appsettings.example.json is a valid one.",
  },
  CONFIG_MISSING: {
    title: "A setting that the others require is missing",
    retry: "after-fix",
    fix: "Set one of the variables the message lists, or switch off the feature that needs it.",
  },
  HWID_INVALID: {
    title: "The device id in the URL is not usable",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Use 1 to 64 letters, digits, '-' and '_' (':' and '.' are taken as '_', '..' is refused); 'echo' is reserved.",
  },
  NOT_FOUND: {
    title: "Nothing answers at this path",
    httpStatus: 404,
    retry: "after-fix",
    fix: "Devices connect to /ws/{hwid} or /ws (docs/protocol.md); /api/docs lists the REST API.",
  },
  METHOD_NOT_ALLOWED: {
    title: "The path does not take this method",
    httpStatus: 405,
    retry: "after-fix",
    fix: "Use a method that the header Allow names; /api/docs lists the REST API.",
  },
  UPGRADE_REQUIRED: {
    title: "The path takes WebSocket connections only",
    httpStatus: 426,
    retry: "after-fix",
    fix: "Connect with a WebSocket client: devices to ws://host:port/ws/{hwid}, viewers to /api/v1/live.",
  },
  BAD_REQUEST: {
    title: "The request is malformed",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Compare the request with docs/protocol.md or docs/api.md.",
  },
  PARAMETER_INVALID: {
    title: "A parameter of the request is not usable",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Give a value that the message allows; /api/docs lists every parameter.",
  },
  RESOURCE_UNKNOWN: {
    title: "Nothing is known by this name",
    httpStatus: 404,
    retry: "after-fix",
    fix: "Ask the list that it belongs to: GET /api/v1/devices, /sessions, /segments or /devices/{hwid}/pins.",
  },
  MEDIA_TYPE_INVALID: {
    title: "The request body is of another type than JSON",
    httpStatus: 415,
    retry: "after-fix",
    fix: "Send JSON with the header Content-Type: application/json.",
  },
  BYTES_NOT_SATISFIABLE: {
    title: "The bytes asked for lie behind the end",
    httpStatus: 416,
    retry: "after-fix",
    fix: "Ask for bytes within the length that Content-Range tells.",
  },
  ORIGIN_REFUSED: {
    title: "A page of another site may not change anything",
    httpStatus: 403,
    retry: "never",
    fix: "Send it from a page of this server, or from a program, which sends no Origin; for devices see Server:AllowedHosts.",
  },
  HOST_REFUSED: {
    title: "The request names a host that this server does not answer to",
    httpStatus: 421,
    retry: "after-fix",
    fix: "Ask by address or by localhost, or put the name into Server:AllowedHosts (--allowed-hosts).",
  },
  ACCESS_OPEN: {
    title: "Without a token the server would be open to the network",
    retry: "after-fix",
    fix: "Make a token first (`eet token create --role admin`), listen on 127.0.0.1, or insist with --insecure-open.",
  },
  PROXY_UNKNOWN: {
    title: "A proxy that nobody named brings the network to a server that asks for no token",
    httpStatus: 403,
    retry: "after-fix",
    fix: "Name the proxy in Server:TrustedProxies and make a token (`eet token create --role admin`), or insist with --insecure-open.",
  },
  TLS_UNUSABLE: {
    title: "A file of TLS cannot be used",
    retry: "after-fix",
    fix: "Correct the file that the message names; docs/security.md tells how to make one, `eet doctor` looks at all of them.",
  },
  TLS_REQUIRED: {
    title: "This port is for devices only",
    httpStatus: 403,
    retry: "after-fix",
    fix: "Ask the server's other port (Server:Port) for the page and the API; this one (Server:PlainPort) takes /ws and /healthz.",
  },
  CERTIFICATE_MISSING: {
    title: "The server asks everybody for a certificate, and none came along",
    httpStatus: 401,
    retry: "after-fix",
    fix: "Connect with a certificate of the authority that the server knows (Server:TlsClientCa), its key beside it.",
  },
  CERTIFICATE_INVALID: {
    title: "The certificate is not good, or is not any more",
    httpStatus: 401,
    ackCloseCode: 4401,
    retry: "after-fix",
    fix: "Give the device a new certificate; the message tells what is wrong, docs/security.md what the server looks at.",
  },
  CREDENTIALS_MISSING: {
    title: "The request says not who sends it",
    httpStatus: 401,
    retry: "after-fix",
    fix: "Send a token (Authorization: Bearer), or log in at /login; docs/security.md tells how to make one.",
  },
  TOKEN_INVALID: {
    title: "The token is unknown, revoked or past its time",
    httpStatus: 401,
    ackCloseCode: 4401,
    retry: "after-fix",
    fix: "Make a new one with `eet token create` or `eet token rotate`, and give it to who sent this.",
  },
  HWID_REFUSED: {
    title: "The token or certificate is not for this device id",
    httpStatus: 403,
    ackCloseCode: 4403,
    retry: "after-fix",
    fix: "Connect as a device that the token is for, or make a token for this one: `eet token create --hwid ID`.",
  },
  ROLE_REFUSED: {
    title: "The role may not do this",
    httpStatus: 403,
    ackCloseCode: 4403,
    retry: "after-fix",
    fix: "Ask with a token of the role that the message names; docs/security.md lists what each may.",
  },
  PERSON_REFUSED: {
    title: "The OpenID provider knows the person, but the settings give no role",
    httpStatus: 403,
    retry: "after-fix",
    fix: "Have whoever runs the server add one of the person's groups to Oidc:Roles, or log in with a token.",
  },
  OIDC_FAILED: {
    title: "The login by the OpenID provider did not come to its end",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Begin again at /login; the server's log tells what the provider said.",
  },
  OIDC_UNREACHABLE: {
    title: "The OpenID provider cannot be reached",
    httpStatus: 503,
    retry: "backoff",
    fix: "Try again later, or log in with a token; Oidc:Issuer names the provider.",
  },
  SETUP_CLOSED: {
    title: "The set-up link leads nowhere any more",
    httpStatus: 403,
    retry: "after-fix",
    fix: "Use the link that the last start has logged, or make a token with `eet token create --role admin`.",
  },
  TOKEN_ENDED: {
    title: "The token cannot be rotated any more",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Make a new one with `eet token create`.",
  },
  ACCESS_UNREADABLE: {
    title: "The tokens cannot be read",
    retry: "after-fix",
    fix: "Restore access.db in the data folder from a backup, or remove it and make new tokens; recordings are not touched.",
  },
  SEGMENT_PINNED: {
    title: "The segment lies in a pinned range",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Remove the pin first: DELETE /api/v1/pins/{id}.",
  },
  SIMULATION_OFF: {
    title: "Simulated devices are switched off",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Set Server:SimulatedDevices to the number that may run at once, then restart the server.",
  },
  SHUTTING_DOWN: {
    title: "The server is stopping",
    httpStatus: 503,
    ackCloseCode: 1001,
    retry: "backoff",
    fix: "Connect again in a few seconds.",
  },
  WORKER_DOWN: {
    title: "The process that takes the device ended and is being started again",
    httpStatus: 503,
    ackCloseCode: 4503,
    retry: "backoff",
    fix: "Connect again in a few seconds: what was acknowledged is kept; the operator looks into the log for the reason.",
  },
  INTERNAL: {
    title: "The server met a defect of its own",
    httpStatus: 500,
    ackCloseCode: 1011,
    retry: "backoff",
    fix: "Report the log line with this code; what was recorded is safe.",
  },
  STORAGE_FULL: {
    title: "The disk is at its hard mark",
    httpStatus: 503,
    ackCloseCode: 4507,
    retry: "backoff",
    fix: "Free space on the data folder's disk, or let verified uploads be deleted (S3:DeleteAfterUpload).",
  },
  STORAGE_IO: {
    title: "The disk refused an operation",
    httpStatus: 503,
    ackCloseCode: 4507,
    retry: "backoff",
    fix: "Check the disk and the kernel log; the server goes on in a new file with what it holds in memory.",
  },
  STORAGE_LOCKED: {
    title: "Another server holds the data folder",
    retry: "after-fix",
    fix: "Stop the other server, or give this one a data folder of its own with --data.",
  },
  RESTORE_UNFINISHED: {
    title: "The data folder is half restored",
    retry: "after-fix",
    fix: "Run `eet restore` again, with the same backup and folder: it goes on where it was interrupted.",
  },
  STORAGE_STALLED: {
    title: "The disk takes data more slowly than the device sends",
    ackCloseCode: 4503,
    retry: "backoff",
    fix: "Check the disk's load; move the data folder to a faster one.",
  },
  RETENTION_REFUSED: {
    title: "Retention would delete more than half of all segments, or of a device's",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Check the quotas: `eet retention` shows what would go and why; `eet retention --run --allow-most` insists.",
  },
  RECOVERING: {
    title: "The session is still being recovered",
    ackCloseCode: 4503,
    retry: "backoff",
    fix: "Connect again in half a minute; what was acknowledged is safe.",
  },
  SEGMENT_UNREADABLE: {
    title: "A segment's file is not what its sidecar says",
    retry: "after-fix",
    fix: "Run `eet verify` on the folder; restore the .bin from the object store or a backup.",
  },
  CATALOG_UNREADABLE: {
    title: "The catalogue is not readable",
    retry: "after-fix",
    fix: "Run `eet reindex`: it rebuilds the catalogue from the sidecars; recordings are not touched.",
  },
  RANGE_INVALID: {
    title: "The range of audio is not usable",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Give a range whose end lies after its start, within the limits that the message names.",
  },
  RANGE_EMPTY: {
    title: "Nothing is recorded in the range",
    httpStatus: 404,
    retry: "after-fix",
    fix: "Ask for a range with audio in it; the message tells what lies nearest.",
  },
  RANGE_AMBIGUOUS: {
    title: "Several streams have audio in the range",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Say which stream is meant; the message lists them.",
  },
  RANGE_MIXED: {
    title: "The range holds sessions of different formats",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Choose a session that the message names with session=, or ask for each of the ranges by itself.",
  },
  AUDIO_UNAVAILABLE: {
    title: "The audio of a segment cannot be had",
    httpStatus: 503,
    retry: "after-fix",
    fix: "Look whether the file or the object that the message names is there, and whether the object store answers.",
  },
  THREAD_ENDED: {
    title: "The thread that worked on the request ended",
    httpStatus: 503,
    retry: "backoff",
    fix: "Ask again, for a shorter range if it persists; the log line tells what ended the thread.",
  },
  UPLOAD_NO_OBJECT: {
    title: "The object store does not hold the object",
    retry: "after-fix",
    fix: "Look for the object in the bucket; without it, and without a local copy, its audio is lost.",
  },
  UPLOAD_DENIED: {
    title: "The object store refuses the credentials",
    retry: "after-fix",
    fix: "Check key, secret and the bucket's rights; `eet config` shows which credentials are in use.",
  },
  UPLOAD_NO_BUCKET: {
    title: "The bucket does not exist",
    retry: "after-fix",
    fix: "Create the bucket or correct S3:Bucket, S3:Region and S3:ServiceUrl.",
  },
  UPLOAD_UNREACHABLE: {
    title: "The object store does not answer",
    retry: "backoff",
    fix: "Check the network and S3:ServiceUrl; uploads go on by themselves once it answers.",
  },
  UPLOAD_MISMATCH: {
    title: "The object store holds other bytes than were sent",
    retry: "backoff",
    fix: "The upload is repeated by itself; if it persists, check the store.",
  },
  UPLOAD_FAILED: {
    title: "The object store answered with an error",
    retry: "backoff",
    fix: "The upload is repeated by itself; the message holds the store's words.",
  },
  UPLOAD_SOURCE_MISSING: {
    title: "The local file of an upload is gone",
    retry: "after-fix",
    fix: "Restore the file, or run `eet reindex` to drop it from the catalogue.",
  },
  ...limitErrors,
} as const satisfies Record<string, ErrorRow>;

/** Code of an error of the server, a key of {@link serverErrors}. */
export type ServerErrorCode = keyof typeof serverErrors;
