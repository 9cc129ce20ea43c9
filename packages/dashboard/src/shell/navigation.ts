import { signal } from "@preact/signals";
import { formatRoute, parseRoute, type Route } from "./route.ts";

/** What is shown. */
export const route = signal<Route>(parseRoute(location.pathname));

/** Of which device something was shown before; `undefined`: of none, or somebody is back there. */
export const cameFrom = signal<string | undefined>(undefined);

/** Shows another view, as a link would. */
export function navigate(to: Route | string): void {
  const path = typeof to === "string" ? to : formatRoute(to);
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  follow();
  scrollTo(0, 0);
}

/** Shows what the address says. */
function follow(): void {
  const left = route.peek();
  cameFrom.value = "hwid" in left ? left.hwid : undefined;
  route.value = parseRoute(location.pathname);
}

/** Links of the page change the view instead of loading it anew. */
export function followLinks(): void {
  addEventListener("popstate", follow);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (link === null || !isPlain || event.defaultPrevented) return;
    if (link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return;
    if (parseRoute(link.pathname).view === "unknown") return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
