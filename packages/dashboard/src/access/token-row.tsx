import type { Token } from "@eet/server/api-types";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { accessFacts } from "../api/access.ts";
import { describeError } from "../api/api-client.ts";
import { nowMs } from "../api/page-live.ts";
import { formatAge } from "../format/format-time.ts";
import { Icon } from "../shell/icon.tsx";
import { Moment } from "../shell/time.tsx";
import { revokeToken, rotateToken, tokens } from "./token-store.ts";
import { describeEnd, describeHolder, describePattern, isLastAdmin } from "./token-words.ts";

const overlaps = [
  { hours: 0, label: "not at all" },
  { hours: 1, label: "for an hour" },
  { hours: 24, label: "for a day" },
  { hours: 168, label: "for a week" },
  { hours: 720, label: "for 30 days" },
] as const;

/** A token that is good, with what can be done to it. */
export function TokenRow({ token }: { readonly token: Token }) {
  const [asked, setAsked] = useState<"rotate" | "revoke" | undefined>(undefined);
  const holder = describeHolder(token);
  const isOwn = accessFacts.value?.token_id === token.id;
  const buttons = useRef<HTMLDivElement>(null);
  const close = () => {
    setAsked(undefined);
    buttons.current?.querySelector("button")?.focus();
  };
  const toggle = (what: "rotate" | "revoke") => setAsked(asked === what ? undefined : what);
  return (
    <li>
      <div class="token-what">
        {token.name !== "" && <span class="token-name">{token.name}</span>}
        <span
          class={`token-right ${token.name === "" ? "token-name" : ""} ${token.kind === "device" && token.hwid !== "*" ? "mono" : ""}`}
        >
          {token.hwid === "*" ? describePattern(token.hwid) : (token.hwid ?? token.role)}
        </span>
        {isOwn && <span class="token-own">you</span>}
      </div>
      <TokenFacts token={token} />
      <div class="token-buttons" ref={buttons}>
        <button
          type="button"
          class="button is-quiet"
          aria-expanded={asked === "rotate"}
          aria-label={`Rotate: ${holder}`}
          onClick={() => toggle("rotate")}
        >
          <Icon name="again" size={16} />
          Rotate
        </button>
        <button
          type="button"
          class="button is-quiet"
          aria-expanded={asked === "revoke"}
          aria-label={`Revoke: ${holder}`}
          onClick={() => toggle("revoke")}
        >
          <Icon name="close" size={16} />
          Revoke
        </button>
      </div>
      {asked === "revoke" && <RevokeQuestion token={token} isOwn={isOwn} onClose={close} />}
      {asked === "rotate" && <RotateQuestion token={token} isOwn={isOwn} onClose={close} />}
    </li>
  );
}

function TokenFacts({ token: { id, created, expires, last_used: lastUsed } }: { readonly token: Token }) {
  const end = describeEnd(expires, nowMs.value);
  const usedMs = lastUsed === null ? undefined : nowMs.value - Date.parse(lastUsed);
  return (
    <p class="token-facts muted">
      <span>
        {usedMs === undefined && "not used yet"}
        {usedMs !== undefined && (usedMs < 120_000 ? "used just now" : `used ${formatAge(usedMs)} ago`)}
      </span>
      <span class={end.isSoon ? "is-soon" : ""} title={expires ?? undefined}>
        {end.text}
      </span>
      <span>
        made <Moment timeMs={Date.parse(created)} />
      </span>
      <span class="mono">{id}</span>
    </p>
  );
}

interface QuestionProps {
  readonly token: Token;
  readonly isOwn: boolean;
  readonly onClose: () => void;
}

function RevokeQuestion({ token, isOwn, onClose }: QuestionProps) {
  return (
    <Question
      label={`Revoke ${describeHolder(token)}`}
      yes="Revoke for ever"
      isDanger
      onYes={() => revokeToken(token.id)}
      onClose={onClose}
    >
      <p>
        {token.kind === "device"
          ? "Devices with it are cut off within a second, and refused from then on."
          : "Who uses it is logged out within a second; programs with it are refused."}{" "}
        {isOwn && "You are logged in with it yourself. "}
        {isLastAdmin(token, tokens.value ?? []) &&
          `It is the last administrator's${accessFacts.value?.oidc ? "." : ": then only the server's machine can make another one."}`}
      </p>
    </Question>
  );
}

function RotateQuestion({ token, isOwn, onClose }: QuestionProps) {
  const [hours, setHours] = useState(24);
  return (
    <Question
      label={`Rotate ${describeHolder(token)}`}
      yes="Make the new token"
      onYes={() => rotateToken(token.id, hours)}
      onClose={onClose}
    >
      <p>
        A new token for the same {token.kind === "device" ? "devices" : "role"}; exchange them while both are good.
        {isOwn && " Log in with the new one before yours ends."}
      </p>
      <label class="token-overlap">
        The old one stays good
        <select class="field" value={String(hours)} onChange={(event) => setHours(Number(event.currentTarget.value))}>
          {overlaps.map((overlap) => (
            <option key={overlap.hours} value={String(overlap.hours)}>
              {overlap.label}
            </option>
          ))}
        </select>
      </label>
    </Question>
  );
}

/** What cannot be undone is asked for first. */
function Question(props: {
  readonly label: string;
  readonly yes: string;
  readonly isDanger?: boolean;
  readonly onYes: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const { label, yes, isDanger = false, onYes, onClose, children } = props;
  const keep = useRef<HTMLButtonElement>(null);
  const [fault, setFault] = useState("");
  // Before the next key comes: it may be Escape.
  useLayoutEffect(() => keep.current?.focus(), []);
  const act = async () => {
    try {
      await onYes();
      onClose();
    } catch (error) {
      setFault(describeError(error));
    }
  };
  return (
    <fieldset
      class="token-question"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <legend class="visually-hidden">{label}</legend>
      {children}
      <p class="is-wrong" role="alert">
        {fault}
      </p>
      <div class="access-buttons">
        <button type="button" class={`button ${isDanger ? "is-danger" : "is-primary"}`} onClick={() => void act()}>
          {yes}
        </button>
        <button ref={keep} type="button" class="button" onClick={onClose}>
          Keep it as it is
        </button>
      </div>
    </fieldset>
  );
}
