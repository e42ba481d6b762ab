// Comparisons: JavaScript's operators, and lodash for what they do not say about objects and lists.

import _ from "lodash";

const empty = (value) => (value === null || typeof value === "object" || typeof value === "string" ? _.isEmpty(value) : false);
const loose = (a, b) => (_.isObject(a) && _.isObject(b) ? _.isEqual(a, b) : a == b);

const OPERATORS = {
  "==": loose,
  "!=": (a, b) => !loose(a, b),
  "===": (a, b) => _.isEqual(a, b),
  "!==": (a, b) => !_.isEqual(a, b),
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "%": (a, b) => a % b === 0,
  in: (a, b) => (Array.isArray(b) ? b.some((item) => loose(a, item)) : String(b).includes(String(a))),
  "not in": (a, b) => !OPERATORS.in(a, b),
  has: (a, b) => _.has(a, [String(b)]),
  "doesn't have": (a, b) => !OPERATORS.has(a, b),
  "is empty": (a) => empty(a),
  "is not empty": (a) => !empty(a),
};

const of = (a, operator, b) => ({
  key: "boolean:compare",
  inputs: { "left-operand": a, operator, "right-operand": b },
  expected: { result: OPERATORS[operator](a, b) },
});

export function comparisons({ unit, below, pick, many }) {
  const number = () => pick([below(12), -below(12), below(100) / 4, 0, unit() * 1e9]);
  const text = () => many(0, 4, () => pick(["a", "b", "A", "é", "1", "z", " ", "日", "😀", "\uff41"])).join("");
  const scalar = () => pick([number, number, text, text, () => String(number()), () => Boolean(below(2)), () => pick(["true", "false", "", "0", "1"]), () => null])();
  const compound = () => pick([() => many(0, 3, scalar), () => Object.fromEntries(many(0, 3, () => [pick(["a", "b", "c.d", "1"]), scalar()]))])();
  const value = () => (below(4) ? scalar() : compound());
  const generate = () => {
    const operator = pick(Object.keys(OPERATORS));
    if (operator === "%") return of(pick([number(), String(below(40)), below(40), below(40)]), operator, pick([below(6), below(6), -below(6)]));
    if (operator.includes("ha")) return of(below(4) ? compound() : value(), operator, pick(["a", "b", "c.d", 1, "length"]));
    if (operator === "in" || operator === "not in") return of(scalar(), operator, pick([() => many(0, 4, scalar), () => text() + text()])());
    const a = value();
    return of(a, operator, below(4) ? value() : _.cloneDeep(a));
  };
  const documented = [
    of(80, ">", 9), of("80", ">", "9"), of(80, ">", "9"), of(3, "==", "3"), of(3, "===", "3"), of("ell", "in", "hello"), of("ELL", "in", "hello"),
    of({ a: 1 }, "has", "a"), of(10, "%", 5), of(0, "%", 5), of(-10, "%", 5), of("", "is empty", null), of(0, "is empty", null), of([], "is empty", null),
  ];
  return { documented, generate };
}
