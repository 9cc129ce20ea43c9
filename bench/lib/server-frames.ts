/** A WebSocket frame that a server sent: final, not masked. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

const none = Buffer.alloc(0);

/** Splits what a server sends into its frames; they are short, as answers are. */
export class ServerFrames {
  #rest: Buffer = none;

  /** @throws RangeError for a frame of more than 125 bytes, which this server has none of */
  *push(bytes: Buffer): Generator<ServerFrame> {
    const all = this.#rest.byteLength === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at + 2 <= all.byteLength) {
      const payloadBytes = all.readUInt8(at + 1);
      if (payloadBytes > 125) throw new RangeError(`a frame of more than 125 bytes came (${payloadBytes})`);
      const end = at + 2 + payloadBytes;
      if (end > all.byteLength) break;
      yield { opcode: all.readUInt8(at) & 15, payload: all.subarray(at + 2, end) };
      at = end;
    }
    this.#rest = all.subarray(at);
  }
}
