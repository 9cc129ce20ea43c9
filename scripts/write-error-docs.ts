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
clients that never come back after one. Connections that negotiate \`eet.v1+ack\` get the close code of the column *+ack*, with the
reason beside it or the title as its reason. Some rows are for those only.
`;

const serverIntroduction = `
## What else can fail

An upgrade that is refused gets the HTTP status of its error. A device that is connected when one of these strikes loses its
connection without a CLOSE frame, so that it comes back; one with \`eet.v1+ack\` gets the close code of the column *+ack*.
`;

const ending = `
## How a connection ended

The log line \`connection ended\` carries one of the codes above, or one of three that are no errors of the server: \`CLIENT_CLOSED\` (the
device sent CLOSE; the detail has its code and reason), \`CLIENT_LOST\` (the connection broke without one) and \`FINISHED\` (the
device sent FINI, and everything is durable).
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
    formatTable(["Code", "What is wrong", "HTTP", "+ack", "Retry", "What to do"], serverRows),
    ending,
  ].join("");
}

function formatWireRow(code: string, { title, closeCode, closeReason, ackCloseCode, retry, fix }: WireErrorRow) {
  const reason = closeReason ? ` "${closeReason}"` : "";
  const isAckOnly = closeCode === undefined && retry !== "backoff";
  const dropped = isAckOnly ? "" : "none: TCP is dropped";
  const close = closeCode === undefined ? dropped : `${closeCode}${reason}`;
  return [`\`${code}\``, title, close, String(ackCloseCode), retry, fix];
}

function formatServerRow(code: string, { title, httpStatus, ackCloseCode, retry, fix }: ErrorRow) {
  const numbers = [httpStatus, ackCloseCode].map((number) => (number === undefined ? "" : String(number)));
  return [`\`${code}\``, title, ...numbers, retry, fix];
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

if (import.meta.main) writeFileSync(new URL("../docs/errors.md", import.meta.url), formatErrorDocs());
