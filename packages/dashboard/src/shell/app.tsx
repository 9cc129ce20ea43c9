import { useEffect, useRef } from "preact/hooks";
import { followAccess, isAdmitted } from "../api/access.ts";
import { FleetView } from "../fleet/fleet-view.tsx";
import { AccessNote } from "../login/access-note.tsx";
import { HelpDialog, isHelpOpen } from "./help-dialog.tsx";
import { useHotkeys } from "./hotkeys.ts";
import { lazyView } from "./lazy-view.tsx";
import { navigate, route } from "./navigation.ts";
import type { Route } from "./route.ts";
import { TopBar } from "./top-bar.tsx";

const AccessView = lazyView(async () => (await import("../access/access-view.tsx")).AccessView);
const AddView = lazyView(async () => (await import("../add/add-view.tsx")).AddView);
const ArchiveView = lazyView(async () => (await import("../archive/archive-view.tsx")).ArchiveView);
const StorageView = lazyView(async () => (await import("../storage/storage-view.tsx")).StorageView);
const LoginView = lazyView(async () => (await import("../login/login-view.tsx")).LoginView);
const MicView = lazyView(async () => (await import("../microphone/mic-view.tsx")).MicView);
const DeviceView = lazyView(async () => (await import("../device/device-view.tsx")).DeviceView);

/** The whole page. */
export function App() {
  useHotkeys({
    "?": () => {
      isHelpOpen.value = true;
    },
    "g f": () => navigate("/"),
    "g a": () => navigate("/add"),
    "g s": () => navigate("/storage"),
    "g m": () => navigate("/mic"),
    "g t": () => navigate("/access"),
  });
  return (
    <>
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <TopBar />
      <AccessNote />
      <Main route={route.value} />
      <HelpDialog />
    </>
  );
}

function Main({ route }: { readonly route: Route }) {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // A reader of the screen is told that there is something else now.
  useEffect(() => {
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
    // A stranger who leaves the login is led back to it.
    if (route.view !== "login" && !isAdmitted.value) void followAccess();
  }, [route]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      {route.view === "login" || isAdmitted.value ? viewOf(route) : null}
    </main>
  );
}

function viewOf(route: Route) {
  switch (route.view) {
    case "fleet":
      return <FleetView />;
    case "access":
      return <AccessView />;
    case "add":
      return <AddView />;
    case "storage":
      return <StorageView />;
    case "login":
      return <LoginView />;
    case "mic":
      return <MicView />;
    case "device":
      return <DeviceView key={route.hwid} hwid={route.hwid} />;
    case "archive":
      return <ArchiveView key={route.hwid} hwid={route.hwid} />;
    default:
      return <UnknownView />;
  }
}

function UnknownView() {
  return (
    <div class="message-view">
      <h1>There is nothing here</h1>
      <p class="muted">
        <a href="/">To the fleet</a>
      </p>
    </div>
  );
}
