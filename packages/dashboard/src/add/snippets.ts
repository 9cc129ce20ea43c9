/** How a device is connected, as text to copy. */
export interface Snippet {
  readonly name: string;
  /** What it takes, in a line. */
  readonly note: string;
  readonly text: string;
}

/**
 * An address that carries a token as its password: what most WebSocket clients send as `Authorization: Basic`. [P-3.1]
 *
 * @param url - the server's endpoint, as `ws://host:port/ws`
 * @param token - `undefined` where the server asks for none
 */
export function addressOf(url: string, hwid: string, token: string | undefined): string {
  return `${token === undefined ? url : url.replace("://", `://${hwid}:${token}@`)}/${hwid}`;
}

/**
 * @param url - the server's endpoint, as `ws://host:port/ws`
 * @param token - as for {@link addressOf}
 */
export function makeSnippets(url: string, hwid: string, token?: string): readonly Snippet[] {
  const variable = token === undefined ? "" : `EET_TOKEN=${token} `;
  return [
    {
      name: "Test",
      note: "In the repository's folder: plays the bundled recording as this device, until Ctrl-C.",
      text: `${variable}npm run eet -- stream --url ${url} --hwid ${hwid} --wav data/speech_16k.wav --realtime --loop`,
    },
    {
      name: "Linux",
      note: "The sound card's input. What the server has not acknowledged is kept in the folder spool: through crashes and days offline.",
      text: `arecord -f S16_LE -r 16000 -t wav | ${variable}npm run --silent eet -- stream --url ${url} --hwid ${hwid} --wav - --spool spool`,
    },
    {
      name: "Python",
      note: "pip install websockets. It sends silence: put your samples in its place.",
      text: python(url, hwid, token),
    },
    {
      name: "Node",
      note: "Node 22 or newer, no package needed. It sends silence: put your samples in its place.",
      text: node(url, hwid, token),
    },
    {
      name: "Arduino",
      note: "ESP32 with Links2004's arduinoWebSockets and an I2S microphone.",
      text: arduino(url, hwid, token),
    },
    {
      name: "Browser",
      note:
        "With the SDK of this repository, packages/client: what is not acknowledged is sent again. The server's own /mic " +
        "does this. Pages of other names have to be allowed: --allowed-hosts.",
      text: browser(url, hwid, token),
    },
  ];
}

function python(url: string, hwid: string, token: string | undefined): string {
  return `import asyncio, struct, time, websockets

RATE, FRAME = 16000, 320  # 20 ms

async def main():
    async with websockets.connect("${addressOf(url, hwid, token)}", compression=None) as ws:
        now = int(time.time() * 1000)
        # magic, version, length, stream, rate, channels, codec (0: PCM), frame, reserved, start
        await ws.send(struct.pack("<4sHHIIHHHHQ", b"CPDA", 1, 32, 1, RATE, 1, 0, FRAME, 0, now))
        seq, started = 0, time.monotonic()
        while True:
            pcm = bytes(2 * FRAME)  # 320 samples of 16 bit, little-endian
            await ws.send(struct.pack("<4sII", b"PCMF", len(pcm), seq) + pcm)
            seq += 1
            await asyncio.sleep(max(0, started + seq * FRAME / RATE - time.monotonic()))

asyncio.run(main())`;
}

function node(url: string, hwid: string, token: string | undefined): string {
  const offer = token === undefined ? "" : `, ["eet.v1", "eet.bearer." + btoa("${token}").replace(/=+$/, "")]`;
  return `const RATE = 16000, FRAME = 320; // 20 ms

const ws = new WebSocket("${url}/${hwid}"${offer});
ws.onopen = () => {
  const hello = new DataView(new ArrayBuffer(32));
  hello.setUint32(0, 0x41445043, true); // magic
  hello.setUint16(4, 1, true); // version
  hello.setUint16(6, 32, true); // length
  hello.setUint32(8, 1, true); // stream
  hello.setUint32(12, RATE, true);
  hello.setUint16(16, 1, true); // channels; 18: codec, 0 is PCM
  hello.setUint16(20, FRAME, true);
  hello.setBigUint64(24, BigInt(Date.now()), true); // start
  ws.send(hello);
  const started = performance.now();
  let seq = 0;
  setInterval(() => {
    for (; (seq * FRAME * 1000) / RATE < performance.now() - started; seq += 1) {
      const frame = new DataView(new ArrayBuffer(12 + 2 * FRAME));
      frame.setUint32(0, 0x464d4350, true); // magic
      frame.setUint32(4, 2 * FRAME, true);
      frame.setUint32(8, seq, true);
      // frame.setInt16(12 + 2 * index, sample, true) for each of your samples
      ws.send(frame);
    }
  }, 20);
};
ws.onclose = ({ code, reason }) => {
  throw new Error(\`closed: \${code} \${reason}\`);
};`;
}

function arduino(url: string, hwid: string, token: string | undefined): string {
  const { hostname, port, protocol, pathname } = new URL(url);
  const isSecure = protocol === "wss:";
  const begin = isSecure ? "beginSSL" : "begin";
  // begin() forgets what was set before.
  const authorize = token === undefined ? "" : `\n  ws.setAuthorization("${hwid}", "${token}");`;
  return `#include <WebSocketsClient.h>

WebSocketsClient ws;
uint32_t seq = 0;

void onEvent(WStype_t type, uint8_t*, size_t) {
  if (type != WStype_CONNECTED) return;
  // magic, version and length, stream, rate, channels and codec (0: PCM), frame, start (0: no clock)
  uint32_t hello[8] = {0x41445043, 32u << 16 | 1, 1, 16000, 1, 320, 0, 0};
  ws.sendBIN((uint8_t*)hello, sizeof hello);
  seq = 0;
}

// 320 samples of the microphone, 20 ms
void sendFrame(const int16_t* pcm) {
  static uint8_t frame[12 + 640];
  uint32_t head[3] = {0x464d4350, 640, seq++};  // magic, length, seq
  memcpy(frame, head, 12);
  memcpy(frame + 12, pcm, 640);
  ws.sendBIN(frame, sizeof frame);
}

void setup() {
  // WiFi.begin(...) and I2S first
  ws.onEvent(onEvent);
  ws.setReconnectInterval(2000);
  ws.${begin}("${hostname}", ${port === "" ? (isSecure ? 443 : 80) : port}, "${pathname}/${hwid}");${authorize}
}

void loop() { ws.loop(); /* read I2S, then sendFrame(samples) */ }`;
}

function browser(url: string, hwid: string, token: string | undefined): string {
  return `import { createSession } from "@eet/client";

const session = createSession({
  url: "${url}",
  hwid: "${hwid}",${token === undefined ? "" : `\n  token: "${token}",`}
  format: { codec: "pcm16", sampleRateHz: 48000, channels: 1, frameSampleCount: 960 },
  whenFull: "drop-oldest",
  onState: (state) => console.log(state.kind),
});
// 20 ms of silence: put those of your microphone in its place, Int16Arrays of any length.
const samples = new Int16Array(960);
setInterval(() => session.write(samples), 20);`;
}
