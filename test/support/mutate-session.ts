// Loaded with --import in front of session-model-run.ts: replaces the piece of source that its last argument names.
import { registerHooks } from "node:module";
import { sessionMutations } from "./session-mutations.ts";

const name = process.argv.at(-1);
const mutation = sessionMutations.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation "${name}"`);
const { file, from, to } = mutation;
const url = new URL(`../../${file}`, import.meta.url).href;

registerHooks({
  load(loadedUrl, context, nextLoad) {
    const loaded = nextLoad(loadedUrl, context);
    if (loadedUrl !== url) return loaded;
    const source = String(loaded.source);
    const parts = source.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${from}`);
    console.log(`mutated ${file}`);
    return { ...loaded, source: parts.join(to) };
  },
});
