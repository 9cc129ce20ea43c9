/** What the page shows, as its address tells. */
export type Route =
  | { readonly view: "fleet" }
  | { readonly view: "device"; readonly hwid: string }
  | { readonly view: "archive"; readonly hwid: string }
  | { readonly view: "access" }
  | { readonly view: "add" }
  | { readonly view: "login" }
  | { readonly view: "mic" }
  | { readonly view: "storage" }
  | { readonly view: "unknown"; readonly path: string };

/** Ids as devices have them; `~` stands for what was recorded without one. */
const hwidPattern = /^(?:~|[A-Za-z0-9_-]{1,64})$/;

/** Reads the path of an address. */
export function parseRoute(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  const [first, hwid, last] = parts;
  if (first === undefined) return { view: "fleet" };
  if (first === "access" && parts.length === 1) return { view: "access" };
  if (first === "add" && parts.length === 1) return { view: "add" };
  if (first === "login" && parts.length === 1) return { view: "login" };
  if (first === "mic" && parts.length === 1) return { view: "mic" };
  if (first === "storage" && parts.length === 1) return { view: "storage" };
  if (first === "device" && hwid !== undefined && hwidPattern.test(hwid)) {
    if (parts.length === 2) return { view: "device", hwid };
    if (parts.length === 3 && last === "archive") return { view: "archive", hwid };
  }
  return { view: "unknown", path };
}

/** Inverse of {@link parseRoute}. */
export function formatRoute(route: Route): string {
  switch (route.view) {
    case "fleet":
      return "/";
    case "access":
      return "/access";
    case "add":
      return "/add";
    case "login":
      return "/login";
    case "mic":
      return "/mic";
    case "storage":
      return "/storage";
    case "device":
      return `/device/${route.hwid}`;
    case "archive":
      return `/device/${route.hwid}/archive`;
    case "unknown":
      return route.path;
  }
}
