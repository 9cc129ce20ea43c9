/** Why there is no sound of a microphone. */
export type MicrophoneProblem =
  /** The page came by plain http from another machine. */
  | "insecure"
  /** The browser has no way to capture. */
  | "unsupported"
  | "denied"
  /** No microphone at all. */
  | "none"
  /** The chosen one is not there. */
  | "gone"
  | "busy"
  /** It went while it was recorded. */
  | "unplugged"
  | "failed";

/** What to tell a person. */
export interface ProblemText {
  readonly title: string;
  /** In two or three words, where the state of the recording stands. */
  readonly short: string;
  readonly what: string;
  /** What to do, one step each. */
  readonly steps: readonly string[];
}

/** Each problem in words. */
export const problemTexts: Readonly<Record<MicrophoneProblem, ProblemText>> = {
  insecure: {
    title: "The browser keeps the microphone from this page",
    short: "Not allowed",
    what: "This page was opened over plain http. Browsers give a microphone only to pages from https or from localhost.",
    steps: [
      "On the machine that runs the server, open the page by localhost.",
      "From another machine, bring the server's port to yours by the command below, then open the page by localhost.",
      "For phones and for many people, give the server a certificate (--tls-cert), or put a proxy with one before it.",
    ],
  },
  unsupported: {
    title: "This browser cannot capture sound",
    short: "Not possible",
    what: "It has no AudioWorklet or no access to microphones.",
    steps: ["Open the page in a current Firefox, Chrome, Edge or Safari."],
  },
  denied: {
    title: "The browser was told not to give the microphone",
    short: "Not allowed",
    what: "Permission was denied, for this page or for the browser as a whole.",
    steps: [
      "Allow the microphone by the sign beside the address, then start again.",
      "If it is allowed there, allow the browser to use the microphone in the system's privacy settings.",
    ],
  },
  none: {
    title: "No microphone found",
    short: "No microphone",
    what: "The system tells of no sound input.",
    steps: ["Plug one in, or switch it on in the system's sound settings, then start again."],
  },
  gone: {
    title: "The chosen input is not there",
    short: "No such input",
    what: "It was unplugged, or its name has changed.",
    steps: ["Choose another input, then start again."],
  },
  busy: {
    title: "The input cannot be opened",
    short: "Input in use",
    what: "Another program uses it, or the system refused it.",
    steps: ["End what else uses the microphone, or choose another input, then start again."],
  },
  unplugged: {
    title: "The input was unplugged",
    short: "Unplugged",
    what: "The recording has ended there; all that was heard until then is delivered.",
    steps: ["Plug it in again or choose another input, then start again."],
  },
  failed: {
    title: "The sound could not be captured",
    short: "Not started",
    what: "The browser could not set it up.",
    steps: ["Load the page again, then start again."],
  },
};

/** What keeps the page from microphones before anything is asked for. */
export function findObstacle(
  isSecure: boolean,
  hasDevices: boolean,
  hasWorklet: boolean,
): MicrophoneProblem | undefined {
  if (!isSecure) return "insecure";
  return hasDevices && hasWorklet ? undefined : "unsupported";
}

/** Reads what `getUserMedia` failed with. */
export function problemOf(error: unknown): MicrophoneProblem {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
      return "none";
    case "OverconstrainedError":
      return "gone";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}
