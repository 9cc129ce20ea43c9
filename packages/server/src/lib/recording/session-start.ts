import type { Clock } from "../kernel/clock.ts";
import type { DeviceProfile, RecordFormat, ResumePoint, SessionRecord } from "../kernel/segment-record.ts";
import { Rotation } from "./rotation.ts";
import { Session } from "./session.ts";
import type { SessionContext, SessionObserver } from "./session-context.ts";
import { decideStartTime } from "./start-time.ts";

/** A connection that wants to record; the shape that ingest asks with. */
export interface RecordingRequest {
  readonly hwid: string | null;
  readonly streamId: number;
  readonly format: RecordFormat;
  /** The handshake's timestamp, ms since 1970; 0 = unknown. */
  readonly deviceMs: number;
  /** The server's number of the connection, higher for a newer one; default 0. */
  readonly connectionId?: number;
  /** How the device says it packs its ADPCM. [P-1.5] */
  readonly nibbleOrder?: "low" | "high" | undefined;
}

/** What it takes to start sessions. */
export interface SessionHost {
  readonly clock: Clock;
  readonly context: SessionContext;
  readonly rotateS: number;
  readonly rotateAlign: boolean;
  readonly profileOf: (hwid: string | null) => DeviceProfile;
  readonly newSessionId: () => string;
  /** Counts a session in; the event tells the serving side of it. */
  add(session: Session, event: "session.opened" | "session.resumed"): void;
  /** Counts a session out that has ended. */
  remove(session: Session): void;
}

/** What distinguishes one start from another. */
export interface SessionStart {
  readonly session: string;
  readonly isAcked: boolean;
  /** The handshake's timestamp where it is that of this session's start, else 0. */
  readonly deviceMs: number;
  /** Samples per channel of the session's first frame, which is just coming. */
  readonly sampleCount: number;
}

/** Starts a session with its first frame. [P-3.4] */
export function startSession(
  host: SessionHost,
  request: RecordingRequest,
  { session, isAcked, deviceMs, sampleCount }: SessionStart,
  observer: SessionObserver,
): Session {
  const { hwid, streamId, format } = request;
  const start = decideStartTime(deviceMs, host.clock.wallMs(), (sampleCount * 1000) / format.sampleRateHz);
  const profile = profileFor(host, request);
  const record: SessionRecord = { session, hwid, streamId, format, start, profile, isAcked };
  return addSession(host, record, observer);
}

/** Goes on with an ended session. [P-2.7] */
export function resumeSession(
  host: SessionHost,
  request: RecordingRequest,
  point: ResumePoint,
  observer: SessionObserver,
): Session {
  return addSession(host, { ...point.record, profile: profileFor(host, request) }, observer, point);
}

/** Configuration knows best how a device packs its ADPCM, then the device itself. [P-1.5] */
function profileFor(host: SessionHost, { hwid, nibbleOrder }: RecordingRequest): DeviceProfile {
  const profile = host.profileOf(hwid);
  if (nibbleOrder === undefined || profile.configuredNibbleOrder !== undefined) return profile;
  return { ...profile, configuredNibbleOrder: nibbleOrder };
}

function addSession(host: SessionHost, record: SessionRecord, observer: SessionObserver, point?: ResumePoint): Session {
  const { rotateS, rotateAlign } = host;
  const alignedStartMs = rotateAlign ? record.start.startMs : undefined;
  const rotation = new Rotation(record.format, { rotateS, alignedStartMs });
  const session = new Session(record, rotation, host.context, observer, point);
  host.add(session, point === undefined ? "session.opened" : "session.resumed");
  return session;
}
