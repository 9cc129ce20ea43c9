import { connect } from "node:net";
import { wireErrors } from "@eet/protocol";
import { serverErrors } from "../../../packages/server/src/lib/kernel/error-table.ts";
import { type CaseRandom, mutateBytes } from "./byte-mutator.ts";

/** A connection on which nothing comes for so long is ended here: the server waits for the rest of something. */
const patienceMs = 300;
const maxExchangeMs = 10_000;
const maxAnswerBytes = 256 * 1024;

/** What a case is made of. */
export interface RawFrameOptions {
  readonly isFinal?: boolean;
  /** Left out: as a client has to. */
  readonly isMasked?: boolean;
  /** Reserved bits, as they stand in the first byte. */
  readonly reserved?: number;
  /** Left out: what there is. */
  readonly declaredBytes?: bigint;
}

/** A WebSocket frame as a client sends it, or as none does. */
export function rawFrame(opcode: number, payload: Uint8Array, options: RawFrameOptions = {}): Buffer {
  const { isFinal = true, isMasked = true, reserved = 0, declaredBytes = BigInt(payload.byteLength) } = options;
  const first = (isFinal ? 0x80 : 0) | reserved | opcode;
  const maskBit = isMasked ? 0x80 : 0;
  const length = Buffer.alloc(declaredBytes < 126n ? 1 : declaredBytes < 65_536n ? 3 : 9);
  if (length.byteLength === 1) length[0] = maskBit | Number(declaredBytes);
  else if (length.byteLength === 3) length.writeUInt16BE(Number(declaredBytes), 1);
  else length.writeBigUInt64BE(declaredBytes, 1);
  if (length.byteLength > 1) length[0] = maskBit | (length.byteLength === 3 ? 126 : 127);
  if (!isMasked) return Buffer.concat([Buffer.of(first), length, payload]);
  const mask = Buffer.of(0x37, 0xfa, 0x21, 0x3d);
  const masked = Buffer.from(payload).map((byte, index) => byte ^ (mask[index & 3] as number));
  return Buffer.concat([Buffer.of(first), length, mask, masked]);
}

/** An upgrade request. */
export function upgradeRequest(path: string, ...headers: readonly string[]): Buffer {
  const lines = [
    ...[`GET ${path} HTTP/1.1`, "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", ...headers, "", ""],
  ];
  return Buffer.from(lines.join("\r\n"), "latin1");
}

/** A conversation whose request, frames or whole bytes are changed. */
export function mutateConversation(upgrades: readonly Buffer[], frames: readonly Buffer[], random: CaseRandom): Buffer {
  let upgrade: Buffer = random.pick(upgrades);
  if (random.chance(0.15)) upgrade = mutateBytes(upgrade, random, upgrades, 4_096);
  // The handshake first, as a device does, or nothing like it.
  const said = random.chance(0.8) ? [frames[0] ?? Buffer.alloc(0)] : [];
  for (let left = random.below(6); left > 0; left -= 1) said.push(random.pick(frames));
  const bytes = Buffer.concat(said);
  return Buffer.concat([upgrade, random.chance(0.85) ? mutateBytes(bytes, random, frames, 32_768) : bytes]);
}

/** Sends bytes from an address of the loopback and ends its side when nothing more comes. */
export async function exchange(port: number, localAddress: string, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  // The server may drop the line in the midst of what is being sent.
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const chunks: Buffer[] = [];
  let byteCount = 0;
  // Its side first, so that what is still to be answered is.
  const patience = setTimeout(() => socket.end(), patienceMs);
  const limit = setTimeout(() => socket.destroy(), maxExchangeMs);
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    byteCount += chunk.byteLength;
    if (byteCount > maxAnswerBytes || chunk.includes("event-stream")) socket.destroy();
  });
  socket.write(bytes);
  await closed;
  clearTimeout(patience);
  clearTimeout(limit);
  return Buffer.concat(chunks);
}

const errorCodes: ReadonlySet<string> = new Set([...Object.keys(serverErrors), ...Object.keys(wireErrors)]);
const statuses: ReadonlySet<number> = new Set([
  ...[101, 200, 201, 204, 206, 304, 400],
  ...Object.values(serverErrors).flatMap((row) => ("httpStatus" in row ? [row.httpStatus] : [])),
]);
/** Those of docs/protocol.md for version 1 and for `eet.v1+ack`. */
const closeCodes: ReadonlySet<number> = new Set([
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011],
  ...[4400, 4401, 4403, 4408, 4409, 4413, 4415, 4422, 4429, 4503, 4507],
]);

/**
 * What is not documented of an answer; `undefined`: nothing. No answer at all is one: the line was dropped.
 *
 * @param onCode - told of each status and close code
 */
export function findUndocumented(answer: Buffer, onCode: (code: number) => void): string | undefined {
  if (answer.byteLength === 0) return undefined;
  const end = answer.indexOf("\r\n\r\n");
  // An interim answer; the final one follows, or the line was dropped.
  if (answer.toString("latin1", 0, 12) === "HTTP/1.1 100") return findUndocumented(answer.subarray(end + 4), onCode);
  const head = answer.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? Number.NaN);
  if (end < 0 || !statuses.has(status)) return `no documented status: ${head.slice(0, 200)}`;
  onCode(status);
  const body = answer.subarray(end + 4);
  if (status !== 101) return findProblemFault(status, head, body.toString("utf8"));
  return findFrameFault(body, onCode);
}

function findProblemFault(status: number, head: string, body: string): string | undefined {
  if (status < 400 || body === "" || body.startsWith("HTTP/1.1 ")) return undefined;
  if (!/^content-type: application\/problem\+json/im.test(head)) return `${status} is no problem+json: ${head}`;
  const code = /"code":"([A-Z_]+)"/.exec(body)?.[1] ?? "";
  return errorCodes.has(code) ? undefined : `${status} has the code "${code}"`;
}

/** Frames of a server are short, final and not masked. */
function findFrameFault(bytes: Buffer, onCode: (code: number) => void): string | undefined {
  for (let at = 0; at + 2 <= bytes.byteLength; ) {
    const first = bytes.readUInt8(at);
    const short = bytes.readUInt8(at + 1);
    if (short > 127 || (first & 0x70) !== 0) return `a frame begins with ${bytes.toString("hex", at, at + 8)}`;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + headBytes > bytes.byteLength) return undefined;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const payload = bytes.subarray(at + headBytes, at + headBytes + length);
    if ((first & 15) === 8 && payload.byteLength >= 2) {
      const code = payload.readUInt16BE(0);
      onCode(code);
      if (!closeCodes.has(code)) return `a CLOSE with ${code}`;
    }
    at += headBytes + length;
  }
  return undefined;
}
