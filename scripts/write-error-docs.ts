// `node scripts/write-error-docs.ts`: writes docs/errors.md from the error tables. A test holds them equal.
import { writeFileSync } from "node:fs";
import { type WireErrorRow, wireErrors } from "@eet/protocol";
import { type ErrorRow, serverErrors } from "../packages/server/src/lib/kernel/error-table.ts";

const introduction = `# Errors

Every error has a code. It stands in the log line (\`code\`) and in the body of an HTTP error (\`application/problem+json\`, RFC 9457,
with \`code\`, \`detail\` and \`fix\`). The code stays the same from version to version; the message beside it tells what came, what is
allowed and which option rules it.

Retry says what the one who met the error should do: *backoff*: try again by itself, after a growing pause; *after-fix*: the
same attempt fails again until someone has acted.

This page is written by \`node scripts/write-error-docs.ts\` from the tables in the source.
`;

const wireIntroduction = `
## What a device can do wrong

The server answers a violation of the [wire protocol](protocol.md) with a CLOSE frame of this code and reason, and takes nothing
after it; what came before is recorded. Where the device itself is not at fault, TCP is dropped without a CLOSE frame: there are
clients that never come back after one. The column *+ack* has the close codes of connections that negotiate \`eet.v1+ack\`, which
this version of the server does not offer yet.
`;

const serverIntroduction = `
## What else can fail

An upgrade that is refused gets the HTTP status of its error. A device that is connected when one of these strikes loses its
connection without a CLOSE frame, so that it comes back.
`;

const ending = `
## How a connection ended

The log line \`connection ended\` carries one of the codes above, or one of two that are no errors of the server: \`CLIENT_CLOSED\` (the
device sent CLOSE; the detail has its code and reason) and \`CLIENT_LOST\` (the connection broke without one).
`;

/** The page docs/errors.md. */
export function formatErrorDocs(): string {
  const wireRows = Object.entries(wireErrors).map(([code, row]) => formatWireRow(code, row));
  const serverRows = Object.entries(serverErrors).map(([code, row]) => formatServerRow(code, row));
  return [
    introduction,
    wireIntroduction,
    "\n",
    formatTable(["Code", "What is wrong", "Close", "+ack", "Retry", "What to do"], wireRows),
    serverIntroduction,
    "\n",
    formatTable(["Code", "What is wrong", "HTTP", "Retry", "What to do"], serverRows),
    ending,
  ].join("");
}

function formatWireRow(code: string, { title, closeCode, closeReason, ackCloseCode, retry, fix }: WireErrorRow) {
  const reason = closeReason ? ` "${closeReason}"` : "";
  const close = closeCode === undefined ? "none: TCP is dropped" : `${closeCode}${reason}`;
  return [`\`${code}\``, title, close, String(ackCloseCode), retry, fix];
}

function formatServerRow(code: string, { title, httpStatus, retry, fix }: ErrorRow) {
  return [`\`${code}\``, title, httpStatus === undefined ? "" : String(httpStatus), retry, fix];
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

if (import.meta.main) writeFileSync(new URL("../docs/errors.md", import.meta.url), formatErrorDocs());
