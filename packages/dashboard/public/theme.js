// Before the first paint, so that no theme flashes in the other one. src/shell/theme.ts writes the choice, and follows it.
let theme = null;
try {
  theme = localStorage.getItem("eet.theme");
} catch {
  // No storage: the system's theme it is.
}
const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.dataset.theme = isDark ? "dark" : "light";
