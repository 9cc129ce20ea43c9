/** Set `FUZZ_SEED` to the seed that a failed run printed to have the same cases again. */
export const fuzzSeed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Cases of a whole run: `FUZZ_CASES` lengthens or shortens it. Default: a million. */
export const fuzzCaseCount = Number(process.env["FUZZ_CASES"] ?? 1_000_000);
