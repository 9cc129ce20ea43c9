import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./fleet/fleet.css";
import { followAccess } from "./api/access.ts";
import { followVisibility } from "./api/page-live.ts";
import { App } from "./shell/app.tsx";
import { followKeys } from "./shell/hotkeys.ts";
import { followLinks } from "./shell/navigation.ts";
import { followTheme } from "./shell/theme.ts";

followTheme();
void followAccess();
followVisibility();
followLinks();
followKeys();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
