import { isStranger, mayAdminister } from "../api/access.ts";
import { fleetProblem } from "../api/fleet-store.ts";
import { isLost, isRefused } from "../api/page-live.ts";
import { isRecordingHere } from "../microphone/recording-flag.ts";
import { isHelpOpen } from "./help-dialog.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { route } from "./navigation.ts";
import { theme } from "./theme.ts";

const links: readonly {
  readonly path: string;
  readonly label: string;
  /** Where there is little room: whole words of the label, so that who says what they see is understood. */
  readonly short?: string;
  readonly icon: IconName;
  readonly views: readonly string[];
}[] = [
  { path: "/", label: "Fleet", icon: "fleet", views: ["fleet", "device", "archive"] },
  { path: "/add", label: "Add a device", short: "Add", icon: "plus", views: ["add"] },
  { path: "/storage", label: "Storage", icon: "disk", views: ["storage"] },
  { path: "/mic", label: "Microphone", icon: "mic", views: ["mic"] },
];
const accessLink = { path: "/access", label: "Access", icon: "key", views: ["access"] } as const;

const themes = [
  { value: "system", label: "Colours as the system has them", icon: "system" },
  { value: "light", label: "Light colours", icon: "sun" },
  { value: "dark", label: "Dark colours", icon: "moon" },
] as const;

/** Where to go, how the connection fares, how it looks. */
export function TopBar() {
  return (
    <header class="top-bar">
      <a class="brand" href="/" aria-label="EET, to the fleet">
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <g fill="currentColor">
            <rect x="3" y="12" width="4" height="8" rx="2" />
            <rect x="10" y="5" width="4" height="22" rx="2" />
            <rect x="17" y="9" width="4" height="14" rx="2" />
            <rect x="24" y="13" width="4" height="6" rx="2" />
          </g>
        </svg>
        EET
      </a>
      {!isStranger.value && (
        <nav class="main-nav" aria-label="Views">
          {(mayAdminister.value ? [...links, accessLink] : links).map((link) => (
            <NavLink key={link.path} link={link} />
          ))}
        </nav>
      )}
      <div class="top-bar-end">
        <ConnectionNote />
        <ThemeSwitch />
        <button
          type="button"
          class="button is-quiet is-square keys-button"
          aria-label="Keyboard"
          title="Keyboard (?)"
          onClick={() => {
            isHelpOpen.value = true;
          }}
        >
          <Icon name="keys" />
        </button>
      </div>
    </header>
  );
}

function NavLink({ link: { path, label, short, icon, views } }: { readonly link: (typeof links)[number] }) {
  const isRecording = path === "/mic" && isRecordingHere.value;
  return (
    <a
      href={path}
      aria-label={isRecording ? `${label} (recording)` : label}
      aria-current={views.includes(route.value.view) ? "page" : undefined}
    >
      <Icon name={icon} />
      <span class={short === undefined ? "" : "nav-long"}>{label}</span>
      {short !== undefined && <span class="nav-short">{short}</span>}
      {isRecording && <span class="recording-dot" aria-hidden="true" />}
    </a>
  );
}

/** Says calmly that the server is away, or cannot give all; what is shown stays. */
function ConnectionNote() {
  const problem = isLost()
    ? "The server cannot be reached"
    : fleetProblem.value !== ""
      ? "The fleet cannot be read now"
      : isRefused.value
        ? "Live levels cannot be had now"
        : "";
  return (
    <p class="connection-note" role="status" title={isLost() ? "" : fleetProblem.value}>
      {problem !== "" && (
        <>
          <span class="connection-dot" aria-hidden="true" />
          <span>
            {problem}
            <span class="nav-long">, trying again</span>
          </span>
        </>
      )}
    </p>
  );
}

function ThemeSwitch() {
  const at = themes.findIndex(({ value }) => value === theme.value);
  const shown = themes[at] ?? themes[0];
  const next = themes[(at + 1) % themes.length] ?? themes[0];
  return (
    <button
      type="button"
      class="button is-quiet is-square"
      aria-label={`${shown.label}; change`}
      title={shown.label}
      onClick={() => {
        theme.value = next.value;
      }}
    >
      <Icon name={shown.icon} />
    </button>
  );
}
