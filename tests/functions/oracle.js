// What moment, mathjs, lodash and JavaScript itself give: one JSON line per case, for the test
// `oracle` of oktant-functions to compare with.
//
//   node oracle.js SEED CASES
//
// A line has `area`, `key` (the function), `inputs`, and `expected`: its outputs, or null where
// the library gives none. Numbers that JSON lacks are {"$number": "Infinity"}.

import { comparisons } from "./comparisons.js";
import { dates } from "./dates.js";
import { formulas } from "./formulas.js";
import { lists } from "./lists.js";
import { texts } from "./texts.js";
import { tokens } from "./tokens.js";
import { chance } from "./chance.js";

const seed = Number(process.argv[2] ?? 1);
const cases = Number(process.argv[3] ?? 500);

const tag = (value) => {
  // Half a character, which JavaScript can cut off, is no text in JSON.
  if (typeof value === "string") return value.toWellFormed();
  // All digits, for a reader that is exact for numbers of few digits only.
  if (typeof value === "number" && String(value).length > 15) return { $number: String(value) };
  if (value === Infinity || value === -Infinity) return { $number: value < 0 ? "-inf" : "inf" };
  if (Array.isArray(value)) return value.map(tag);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, tag(v)]));
  return value;
};

for (const [area, make] of Object.entries({ dates, formulas, texts, comparisons, lists, tokens })) {
  const { documented, generate } = make(chance(seed));
  const all = [...documented, ...Array.from({ length: cases }, generate)];
  all.forEach((one, index) => {
    const origin = index < documented.length ? "documented" : "generated";
    console.log(JSON.stringify({ area, origin, key: one.key, inputs: tag(one.inputs), expected: tag(one.expected ?? null) }));
  });
}
