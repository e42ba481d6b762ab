// Text: JavaScript's own strings and regular expressions, and its URI functions.

import _ from "lodash";

const output = (value) => ({ output: value });

const CASES = {
  "string:concat": ({ string1, string2 }) => output(string1 + string2),
  "string:split": ({ string, delimiter }) => output(string.split(delimiter)),
  "string:substr": ({ string, start, end }) => output(string.substring(start ?? 0, end ?? undefined)),
  "string:toLowerCase": ({ string }) => output(string.toLowerCase()),
  "string:toUpperCase": ({ string }) => output(string.toUpperCase()),
  "string:trim": ({ string }) => output(string.trim()),
  "string:length": ({ string }) => ({ length: string.length }),
  "string:find": ({ string, substr }) => output(string.indexOf(substr)),
  "string:lastIndexOf": ({ string, substr, index }) => output(string.lastIndexOf(substr, index ?? undefined)),
  "string:match": ({ string, target }) => output(string.search(new RegExp(target))),
  "string:replace": ({ string, src, dest, global, sensitive }) =>
    output(src === "" ? string : string.replace(new RegExp(_.escapeRegExp(src), (global ? "g" : "") + (sensitive ? "" : "i")), () => dest)),
  "string:replaceAny": (inputs) => {
    const pattern = new RegExp(`${inputs["patterns/1"]}|${inputs["patterns/2"]}`, (inputs.global ? "g" : "") + (inputs["case sensitive"] ? "" : "i"));
    return output(inputs.text.replace(pattern, () => inputs.replacement));
  },
  "string:base64": ({ string }) => output(Buffer.from(string, "utf8").toString("base64")),
  "string:base64Decode": ({ string }) => output(Buffer.from(string, "base64").toString("utf8")),
  "string:compose": (inputs) => output(inputs._text_.replaceAll("{{{a1}}}", () => inputs.a1).replaceAll("{{{b2}}}", () => inputs.b2)),
  "string:repeat": ({ string, count }) => output(string.repeat(count)),
  "url:encodeComponent": ({ string }) => output(encodeURIComponent(string)),
  "url:decodeComponent": ({ string }) => {
    try {
      return output(decodeURIComponent(string));
    } catch {
      return null;
    }
  },
  "json:parse": ({ string }) => {
    try {
      return output(JSON.parse(string));
    } catch {
      return null;
    }
  },
  "json:stringify": ({ object }) => output(JSON.stringify(object)),
  "math:toString": ({ a }) => output(String(a)),
};

const of = (key, inputs) => ({ key, inputs, expected: CASES[key](inputs) });

export function texts({ unit, below, pick, many }) {
  const letters = ["a", "b", "A", "B", "é", "ß", "İ", "Σ", "ς", "日", "本", " ", " ", "\t", "\n", "\u00a0", "\ufeff", "\u0085", "1", "2", ".", "-", ",", "@", "/", "\\", "$", "&", "+", "(", "[", "😀"];
  const text = () => many(0, 12, () => pick(letters)).join("");
  const piece = (whole) => (below(3) ? whole.slice(below(whole.length + 1)).slice(0, 1 + below(2)) : pick(["a", " ", ",", "zz", ""]));
  const wellFormed = (value) => value.toWellFormed().replaceAll("\ufffd", "");
  const position = () => pick([below(14), -below(3), null, below(14)]);
  const patterns = ["[0-9]", "\\d+", "\\w", "\\s", "[^a-z]", "a|b", "(a)(b)?", "\\.", "a{2}", "[\\w.]+@", "^.", ".$", "(?:a|é)+", "[a\\]]", "\\bb", "(?=a)", "(?!a)b", "(.)\\1", "[[]", "[&&]", "\\/", "b+?", "\\u00e9", "\\x41", "\\S+\\s", "[^]", "$"];
  const json = (depth) =>
    pick([
      () => below(1000), () => Math.round(unit() * 1e6) / 1e3, text, () => null, () => Boolean(below(2)),
      ...(depth ? [() => many(0, 3, () => json(depth - 1)), () => Object.fromEntries(many(0, 3, () => [`k${text()}`, json(depth - 1)]))] : []),
    ])();
  const draw = {
    "string:concat": () => ({ string1: text(), string2: text() }),
    "string:split": () => { const string = text(); return { string, delimiter: wellFormed(piece(string)) }; },
    "string:substr": () => ({ string: text(), start: position(), end: position() }),
    "string:toLowerCase": () => ({ string: text() }),
    "string:toUpperCase": () => ({ string: text() }),
    "string:trim": () => ({ string: text() }),
    "string:length": () => ({ string: text() }),
    "string:find": () => { const string = text(); return { string, substr: wellFormed(piece(string)) }; },
    "string:lastIndexOf": () => { const string = text(); return { string, substr: wellFormed(piece(string)), index: position() }; },
    "string:match": () => ({ string: text(), target: pick(patterns) }),
    "string:replace": () => { const string = text(); return { string, src: wellFormed(piece(string)), dest: text(), global: Boolean(below(2)), sensitive: Boolean(below(2)) }; },
    "string:replaceAny": () => ({ text: text(), "patterns/1": pick(patterns.slice(0, 10)), "patterns/2": pick(patterns.slice(0, 10)), replacement: text(), global: Boolean(below(2)), "case sensitive": Boolean(below(2)) }),
    "string:base64": () => ({ string: text() }),
    "string:base64Decode": () => { const encoded = Buffer.from(text(), "utf8"); return { string: pick([encoded.toString("base64"), encoded.toString("base64url")]) }; },
    "string:compose": () => ({ _text_: many(0, 6, () => pick(["{{{a1}}}", "{{{b2}}}", "{{{", "}}}", "{", "x", "é"])).join(""), a1: text(), b2: pick(["{{{x}}}", "$&", ""]) }),
    "string:repeat": () => ({ string: text(), count: below(5) }),
    "url:encodeComponent": () => ({ string: text() }),
    "url:decodeComponent": () => ({ string: below(4) ? encodeURIComponent(text()) : text() + pick(["%", "%4", "%41", "%zz", "%ff", "%C3%A9", "%c3"]) }),
    "json:parse": () => { const whole = JSON.stringify(json(3)); return { string: below(4) ? whole : whole.slice(0, below(whole.length + 1)) }; },
    "json:stringify": () => ({ object: json(3) ?? 0 }),
    "math:toString": () => ({ a: pick([() => below(1e6), () => unit(), () => unit() * 10 ** (below(60) - 30), () => -unit() * 1e22])() }),
  };
  const generate = () => {
    const key = pick(Object.keys(draw));
    return of(key, draw[key]());
  };
  const documented = [
    of("string:substr", { string: "hello", start: 1, end: 3 }),
    of("string:substr", { string: "hello", start: 3, end: 1 }),
    of("string:substr", { string: "Ada", start: 0, end: -1 }),
    of("string:substr", { string: "Ada", start: 0, end: null }),
    of("string:find", { string: "hello", substr: "z" }),
    of("string:lastIndexOf", { string: "Ada King Noel", substr: " ", index: null }),
    of("string:match", { string: "room 42", target: "[0-9]" }),
    of("string:split", { string: "a, b,", delimiter: "," }),
    of("string:base64Decode", { string: "IA==" }),
  ];
  return { documented, generate };
}
