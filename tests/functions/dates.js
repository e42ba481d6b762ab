// Dates: moment with moment-timezone.

import moment from "moment-timezone";

// What the test's clock says, for parts that a format leaves out.
const NOW = Date.parse("2026-11-25T22:15:30.123Z");
moment.now = () => NOW;
moment.suppressDeprecationWarnings = true;
moment.tz.setDefault("UTC");

const ZONES = [
  "US/Pacific", "Etc/UTC", "UTC", "GMT", "Asia/Calcutta", "America/New_York", "Europe/Berlin", "Europe/London",
  "Australia/Sydney", "Asia/Tokyo", "America/Sao_Paulo", "America/St_Johns", "Pacific/Auckland", "Africa/Cairo", "America/Pacific",
];
const CODES = [
  "D", "DD", "Do", "DDD", "DDDD", "M", "MM", "MMM", "MMMM", "Mo", "Y", "YY", "YYYY", "yyyy", "h", "hh", "H", "HH", "m", "mm", "s",
  "ss", "S", "SS", "SSS", "a", "A", "Z", "ZZ", "z", "d", "dd", "ddd", "dddd", "do", "E", "x", "X", "Q", "Qo", "w", "ww", "W", "WW", "GGGG",
  "gggg", "k", "kk", "LT", "L", "LL", "LLL", "LLLL", "hmm", "Hmmss",
];
const SEPARATORS = [" ", "-", "/", ":", ".", ", ", "T", "[at]", "[ o'clock ]", "_", "\\D"];
const READABLE = [
  "D/M/Y", "M/D/YY", "M/D/YYYY", "YYYY-MM-DD", "YYYY-MM-DDTHH:mm:ss.SSSZ", "YYYYMMDD", "YYYY-MM-DD hh:mm a", "MMM D YYYY", "MMMM Do YYYY",
  "ddd, D MMM YYYY HH:mm:ss ZZ", "dddd MMMM Do YYYY h:mm A", "x", "X", "YYYY", "MM/YYYY", "HH:mm", "MM/DD", "D", "YYYY-DDDD", "DD.MM.YY H:mm",
  "yyyy/MM/DD HHmm", "[on] D [of] MMMM, YYYY", "YYYY-MM-DD HH", "h A", "Hmm", "SSSS D M YYYY",
];
const UNITS = ["milliseconds", "seconds", "minutes", "hours", "days", "weeks", "months", "years", "day", "month", "Hours"];

const iso = (date) => (date.isValid() ? date.toISOString() : null);
const output = (value) => (value === null ? null : { output: value });

const format = (start, code, zone) => ({
  key: "date:format",
  inputs: { start, format: code, zone },
  expected: { output: moment.tz(start, moment.tz.zone(zone) ? zone : "UTC").format(code) },
});
const parse = (start, code) => ({
  key: "date:parse",
  inputs: { start, format: code },
  expected: output(iso(moment.utc(start, code))),
});
const shift = (key, start, scale, unit) => ({
  key,
  inputs: { start, scale, unit },
  expected: output(iso(key === "date:add" ? moment.utc(start).add(scale, unit) : moment.utc(start).subtract(scale, unit))),
});
const diff = (start, end) => {
  const [later, earlier] = [moment.utc(start), moment.utc(end)];
  const units = ["days", "months", "years", "hours", "minutes", "seconds", "milliseconds"];
  return {
    key: "date:diff",
    inputs: { start, end },
    expected: Object.fromEntries(units.map((unit) => [unit, later.diff(earlier, unit, true)])),
  };
};
const convert = (start) => {
  const date = moment.utc(start);
  return {
    key: "date:fromISO",
    inputs: { start },
    expected: date.isValid()
      ? {
          date: date.toISOString(),
          iso: date.format("YYYY-MM-DD[T]HH:mm:ss[Z]"),
          epoch: date.format("X"),
          unix: date.format("x"),
          human: date.format("ddd, MMMM Do [at] h:mm A"),
          custom: null,
        }
      : null,
  };
};

export function dates({ unit, below, pick, many }) {
  const instant = () => new Date(Math.floor((unit() * 130 - 20) * 365.25 * 864e5)).toISOString();
  const randomFormat = () => many(1, 6, () => pick(CODES)).join("§").split("§").map((code) => code + (below(6) ? pick(SEPARATORS) : "")).join("");
  const garble = (text) => {
    const at = below(text.length + 1);
    return pick([
      () => text.slice(0, at),
      () => text.slice(0, at) + pick(["x", " ", "9", "-", "é", "13"]) + text.slice(at),
      () => text.slice(0, at) + text.slice(at + 1),
      () => text.toUpperCase(),
      () => `  ${text} `,
    ])();
  };
  const near = (start) => pick([instant, () => moment.utc(start).add(below(4000) - 2000, pick(["hours", "days", "minutes"])).toISOString()])();
  const WRITTEN = ["YYYY-MM-DDTHH:mm:ss.SSSZ", "YYYY-MM-DD", "YYYY-MM-DDTHH:mmZ", "YYYYMMDDTHHmmss", "YYYY-DDDD", "GGGG-[W]WW-E", "YYYY-MM-DD HH:mm", "ddd, DD MMM YYYY HH:mm:ss ZZ"];
  const generate = () => {
    const start = instant();
    return pick([
      () => format(start, randomFormat(), pick(ZONES)),
      () => format(start, randomFormat(), pick(ZONES)),
      () => {
        const code = pick(READABLE);
        const text = moment.utc(start).format(code);
        return parse(below(3) ? text : garble(text), code);
      },
      () => shift(pick(["date:add", "date:subtract"]), start, pick([below(40), -below(40), below(4000) / 8, below(100) / 10]), pick(UNITS)),
      () => diff(start, near(start)),
      () => convert(moment.tz(start, pick(ZONES.slice(0, 6))).format(pick(WRITTEN))),
    ])();
  };

  const sample = "2016-09-07T00:01:25.670Z";
  const formats = ["M/D/Y", "MM/DD/YY", "yyyy-MM-DDTHH:mm:ss.SSS", "dddd, MMMM D, Y h:mm a z", "hh:mm a"];
  const documented = [
    ...formats.flatMap((code) => ["US/Pacific", "Etc/UTC"].map((zone) => format(sample, code, zone))),
    ...["D DD M MM MMM MMMM Y YYYY YY h hh H HH mm ss SSS a A Z z d ddd dddd x X"].map((code) => format(sample, code, "US/Pacific")),
    parse("1/2/2016", "D/M/Y"),
    parse("1/2/16", "M/D/YY"),
    parse("1473206485670", "x"),
    shift("date:add", "2024-01-31", 1, "months"),
    convert(sample),
  ];
  return { documented, generate };
}
