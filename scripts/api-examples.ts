// The calls that docs/api.md shows, by operation.
import type { ApiServer } from "../test/support/api-server.ts";

/** A call with curl. */
export interface ApiExample {
  /** Options of curl besides -s. */
  readonly args: readonly string[];
  readonly path: string;
  /** Lines of the output that are shown; default: all. */
  readonly keep?: RegExp;
  /** What the command goes on with, such as a pipe that `keep` stands for. */
  readonly after?: string;
  /** Exit code of curl when it is not 0. */
  readonly status?: number;
  /** Told what was printed. */
  readonly onOutput?: (output: string) => void;
}

/** Secrets of the examples, and what is shown instead. */
export const shownSecrets = new Map<string, string>();

/** Whom the examples ask as, once the server asks for tokens. */
let adminSecret = "";
const asAdmin = () => ["-H", `Authorization: Bearer ${adminSecret}`] as const;

/** When the sample is asked for. */
export const sampleNowMs = Date.UTC(2026, 2, 1, 12, 5);
const startMs = Date.UTC(2026, 2, 1, 12);

/** Records what the page asks for: ten seconds with a gap of 0.4 s, and two seconds of another device. */
export async function recordSample(server: ApiServer): Promise<void> {
  const missing = Array.from({ length: 20 }, (_, index) => 120 + index);
  await server.record({ hwid: "kitchen", startMs, frameCount: 500, missing });
  await server.record({ hwid: "attic", startMs, frameCount: 100 });
}

const v1 = "/api/v1";
const range = "from=2026-03-01T12:00:01Z&to=2026-03-01T12:00:05Z";
const json = ["-H", "Content-Type: application/json"];
const get = (path: string, args: readonly string[] = []): readonly ApiExample[] => [{ args, path: `${v1}${path}` }];
const send = (method: string, path: string, body: object): readonly ApiExample[] => [
  { args: ["-X", method, ...json, "-d", JSON.stringify(body)], path: `${v1}${path}` },
];
const headOf = (path: string, _file: string): ApiExample => ({
  ...{ args: ["-D", "-", "-o", "/dev/null"], path: `${v1}${path}` },
});

async function firstSegment(server: ApiServer): Promise<{ readonly id: number; readonly session: string }> {
  const { segments } = await server.json<{ segments: { id: number; session: string }[] }>(
    `${v1}/segments?hwid=kitchen&has_gaps=true`,
  );
  const [segment] = segments;
  if (segment === undefined) throw new Error("the sample has no segment with a gap");
  return segment;
}

async function eventBounds(server: ApiServer): Promise<{ readonly first_id: number; readonly last_id: number }> {
  return server.json(`${v1}/events?limit=1`);
}

type Examples = readonly ApiExample[] | ((server: ApiServer, setupCode: string) => Promise<readonly ApiExample[]>);

/** Makes a token for the examples of others to use up. */
async function makeToken(server: ApiServer): Promise<string> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${adminSecret}` };
  const body = JSON.stringify({ hwid: "attic", name: "attic window" });
  const { token } = await server.json<{ token: { id: string } }>(`${v1}/tokens`, { method: "POST", headers, body });
  return token.id;
}

function noteSecret(output: string): void {
  const { secret } = JSON.parse(output) as { readonly secret: string };
  shownSecrets.set(secret, `${secret.slice(0, 6)}...`);
}

async function setUp(_server: ApiServer, code: string): Promise<readonly ApiExample[]> {
  shownSecrets.set(code, "CODE");
  const onOutput = (output: string) => {
    noteSecret(output);
    adminSecret = (JSON.parse(output) as { readonly secret: string }).secret;
  };
  return send("POST", "/setup", { code }).map((example) => ({ ...example, onOutput }));
}

async function logIn(): Promise<readonly ApiExample[]> {
  const [example] = send("POST", "/login", { token: adminSecret });
  if (example === undefined) return [];
  const onOutput = (output: string) => {
    const [, cookie = ""] = /eet_session=([^;]+)/.exec(output) ?? [];
    shownSecrets.set(cookie, "COOKIE");
  };
  return [{ ...example, args: [...example.args, "-D", "-"], keep: /^(HTTP|set-cookie)/, onOutput }];
}

/** By operationId. */
export const apiExamples: Readonly<Record<string, Examples>> = {
  readOpenapi: [
    {
      args: [],
      path: "/api/openapi.json",
      after: `| jq . | grep -E '^  "openapi"|"title": "EET"'`,
      keep: /^ {2}"openapi"|"title": "EET"/,
    },
  ],
  listDevices: [...get("/devices?limit=1"), { args: [], path: `${v1}/devices?limit=5000` }],
  readDevice: get("/devices/kitchen"),
  changeDevice: send("PATCH", "/devices/kitchen", { name: "Kitchen window", tags: ["house", "ground-floor"] }),
  readTimeline: get("/devices/kitchen/timeline?from=2026-03-01T12:00:00Z&to=2026-03-01T12:01:00Z&resolution=60"),
  listSessions: get("/sessions?limit=1&order=desc"),
  listSessionsOfDevice: get("/devices/kitchen/sessions?from=-10m"),
  readSession: async (server) => get(`/sessions/${(await firstSegment(server)).session}`),
  listSegments: get("/segments?hwid=kitchen&has_gaps=true&limit=1"),
  readSegment: async (server) => get(`/segments/${(await firstSegment(server)).id}`),
  downloadSegmentFile: async (server) => {
    const { id } = await firstSegment(server);
    return [
      headOf(`/segments/${id}/files/wav`, "a.wav"),
      { args: ["-r", "0-99", "-D", "-", "-o", "/dev/null"], path: `${v1}/segments/${id}/files/bin` },
    ];
  },
  deleteSegment: async (server) => {
    const { segments } = await server.json<{ segments: { id: number }[] }>(`${v1}/segments?hwid=attic`);
    return get(`/segments/${segments[0]?.id}?reason=recorded+by+mistake`, ["-X", "DELETE"]);
  },
  deleteSegmentsOfDevice: get("/devices/attic/segments?from=2026-03-01&to=-1m&reason=asked+for+by+the+owner", [
    "-X",
    "DELETE",
  ]),
  exportAudio: [
    headOf(`/devices/kitchen/audio?${range}`, "a.wav"),
    headOf("/devices/kitchen/audio?from=-10m&format=flac", "a.flac"),
    { args: [], path: `${v1}/devices/kitchen/audio?from=-1m` },
  ],
  listAudioGaps: get(`/devices/kitchen/audio/gaps?${range}&limit=1`),
  readPeaks: get(`/devices/kitchen/peaks?${range}&width=4`),
  readSpectrogram: [headOf(`/devices/kitchen/spectrogram?${range}&width=800&height=128`, "a.png")],
  listPins: get("/devices/kitchen/pins"),
  listAllPins: get("/pins?limit=10"),
  addPin: send("POST", "/devices/kitchen/pins", {
    ...{ from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:00:02Z", note: "the doorbell" },
  }),
  removePin: [{ args: ["-X", "DELETE", "-D", "-"], path: `${v1}/pins/1`, keep: /^HTTP/ }],
  listEvents: get("/events?types=gap.detected&limit=1"),
  followEvents: async (server) => {
    const { first_id: first } = await eventBounds(server);
    // Ends by itself for the page's sake, with curl's code for a time limit.
    const args = ["-N", "-m", "1", "-H", `Last-Event-ID: ${first + 1}`];
    return [{ args, path: `${v1}/events/stream?types=session.started,gap.detected&hwid=kitchen`, status: 28 }];
  },
  listDeliveries: get("/deliveries"),
  replayEvents: async (server) => {
    const { first_id, last_id } = await eventBounds(server);
    return send("POST", "/deliveries/replay", { target: "run-on-segment", from_id: first_id, to_id: last_id });
  },
  listDeadLetters: get("/dead-letters?limit=1"),
  replayDeadLetters: send("POST", "/dead-letters/replay", { target: "run-on-segment" }),
  readStorage: get("/storage"),
  listUploads: get("/uploads?state=failed&limit=10"),
  retryUploads: send("POST", "/uploads/retry", { code: "UPLOAD_UNREACHABLE" }),
  previewRetention: get("/retention/preview"),
  readLogLevel: get("/log-level"),
  changeLogLevel: send("PUT", "/log-level", { level: "debug" }),
  runRetention: send("POST", "/retention/run", {}),
  listSimulatedDevices: get("/simulated-devices"),
  startSimulatedDevice: send("POST", "/simulated-devices", { kind: "birds", life_s: 60 }),
  stopSimulatedDevice: [
    { args: ["-X", "DELETE", "-D", "-"], path: `${v1}/simulated-devices/demo-birds`, keep: /^HTTP/ },
  ],
  readAccess: get("/access"),
  setUp,
  login: logIn,
  logout: [{ args: ["-X", "POST", "-D", "-"], path: `${v1}/logout`, keep: /^(HTTP|set-cookie)/ }],
  listTokens: async () => get("/tokens", asAdmin()),
  createToken: async () =>
    send("POST", "/tokens", { hwid: "kitchen-*", name: "kitchen", expires_days: 365 }).map((example) => ({
      ...{ ...example, args: [...asAdmin(), ...example.args], onOutput: noteSecret },
    })),
  revokeToken: async (server) => get(`/tokens/${await makeToken(server)}`, [...asAdmin(), "-X", "DELETE"]),
  rotateToken: async (server) =>
    send("POST", `/tokens/${await makeToken(server)}/rotate`, { overlap_h: 48 }).map((example) => ({
      ...{ ...example, args: [...asAdmin(), ...example.args], onOutput: noteSecret },
    })),
  readMetrics: [{ args: [], path: "/metrics", after: "| grep '^eet_'", keep: /^eet_/ }],
  readMetricsOfApi: [{ args: [], path: `${v1}/metrics`, after: "| grep eet_streams", keep: /eet_streams/ }],
};
