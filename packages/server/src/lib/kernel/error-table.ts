/** Whether, and how, the one who met an error should try again. */
export type Retry = "never" | "after-fix" | "backoff";

/** One row of the error table: what a person or a program needs to act on an error. */
export interface ErrorRow {
  /** One line, present tense, no full stop. */
  readonly title: string;
  /** Status that HTTP answers carry; `undefined` where no HTTP answer can. */
  readonly httpStatus?: number;
  readonly retry: Retry;
  /** What to do, as an imperative sentence. */
  readonly fix: string;
}

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
    fix: "Devices connect to /ws/{hwid} or /ws; docs/protocol.md lists the endpoints.",
  },
  UPGRADE_REQUIRED: {
    title: "The path takes WebSocket connections only",
    httpStatus: 426,
    retry: "after-fix",
    fix: "Connect with a WebSocket client: ws://host:port/ws/{hwid}.",
  },
  BODY_TOO_LARGE: {
    title: "The request body is larger than allowed",
    httpStatus: 413,
    retry: "after-fix",
    fix: "Send at most 1 MiB to /echo.",
  },
  BAD_REQUEST: {
    title: "The request is malformed",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Compare the request with docs/protocol.md.",
  },
  CONNECTION_LIMIT: {
    title: "The server carries as many connections as it may",
    httpStatus: 503,
    retry: "backoff",
    fix: "Raise the limit of open files (`ulimit -n`) or --max-connections, then restart the server.",
  },
  SHUTTING_DOWN: {
    title: "The server is stopping",
    httpStatus: 503,
    retry: "backoff",
    fix: "Connect again in a few seconds.",
  },
  INTERNAL: {
    title: "The server met a defect of its own",
    httpStatus: 500,
    retry: "backoff",
    fix: "Report the log line with this code; what was recorded is safe.",
  },
  STORAGE_FULL: {
    title: "The disk is at its hard mark",
    httpStatus: 503,
    retry: "backoff",
    fix: "Free space on the data folder's disk, or let verified uploads be deleted (S3:DeleteAfterUpload).",
  },
  STORAGE_IO: {
    title: "The disk refused an operation",
    httpStatus: 503,
    retry: "backoff",
    fix: "Check the disk and the kernel log; the server goes on in a new file with what it holds in memory.",
  },
  STORAGE_LOCKED: {
    title: "Another server holds the data folder",
    retry: "after-fix",
    fix: "Stop the other server, or give this one a data folder of its own with --data.",
  },
  STORAGE_STALLED: {
    title: "The disk takes data more slowly than the device sends",
    retry: "backoff",
    fix: "Check the disk's load; move the data folder to a faster one.",
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
} as const satisfies Record<string, ErrorRow>;

/** Code of an error of the server, a key of {@link serverErrors}. */
export type ServerErrorCode = keyof typeof serverErrors;
