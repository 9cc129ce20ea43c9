import { defineConfig } from "vite";

/** A server that runs beside `npm run dev`. */
const server = "http://127.0.0.1:5096";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    // The server carries the page: docs/decisions tells why.
    outDir: "../server/page",
    emptyOutDir: true,
    // The page's policy takes no inline script or data of scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": { target: server, ws: true },
      "/healthz": server,
      "/ws": { target: server, ws: true },
    },
  },
});
