import type { IncomingMessage } from "node:http";
import type { Hwid } from "@eet/protocol";
import type { DeviceCertificate } from "../kernel/device-certificate.ts";
import type { ServerError } from "../kernel/errors.ts";

/** What a connection was let in by: it is asked about again by this. */
export interface GatePass {
  readonly tokenId: string | null;
  /** Of the login that let it in. */
  readonly session?: string | undefined;
  /** The certificate that let it in. */
  readonly certificate?: DeviceCertificate | undefined;
}

/** How a connection is judged before it begins. */
export interface GateVerdict extends GatePass {
  readonly refusal?: ServerError;
  /** Whether the upgrade is granted first, and the refusal told by a CLOSE: browsers show nothing else. [P-3.1] */
  readonly isToldByClose?: boolean;
}

/** Decides who may connect as which device. */
export interface DeviceGate {
  /** @param hwid - `null`: without an id; `undefined`: for the echo */
  judge(request: IncomingMessage, hwid: Hwid | null | undefined): GateVerdict;
  /** Tells why a connection that was let in has to end. */
  review(pass: GatePass): ServerError | undefined;
}
