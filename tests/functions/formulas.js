// Formula and Expression: mathjs.

import { create, all } from "mathjs";

const math = create(all);

const evaluate = (text) => {
  try {
    const value = math.evaluate(text);
    return typeof value === "object" ? null : value;
  } catch {
    return null;
  }
};

const formula = (text) => {
  const value = evaluate(text);
  if (value === undefined) return { key: "math:expression", inputs: { _text_: text }, expected: { output: null } };
  return { key: "math:expression", inputs: { _text_: text }, expected: Number.isNaN(value) || typeof value !== "number" ? null : { output: value } };
};
const expression = (text) => {
  const value = evaluate(text);
  const truth = value === null || (typeof value === "number" && Number.isNaN(value)) ? null : Boolean(value);
  return { key: "boolean:expression", inputs: { _text_: text }, expected: truth === null ? null : { output: truth } };
};

export function formulas({ unit, below, pick }) {
  const number = () =>
    pick([() => String(below(10)), () => String(below(1000)), () => (unit() * 100).toFixed(below(6)), () => `${below(9)}e${below(7) - 3}`, () => `.${below(99)}`])();
  const blank = () => pick(["", "", "", " ", "  "]);
  const one = ["abs", "ceil", "floor", "round", "exp", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"];
  const tree = (depth) => {
    if (depth === 0) return pick([number, number, number, () => "pi"])();
    const inner = () => tree(depth - 1 - below(2) > 0 ? depth - 1 - below(2) : 0);
    return pick([
      () => `${inner()}${blank()}${pick(["+", "-", "*", "/", "%"])}${blank()}${inner()}`,
      () => `${inner()}${blank()}${pick(["+", "-", "*", "/"])}${blank()}${inner()}`,
      () => `(${inner()})`,
      () => `-${inner()}`,
      () => `${inner()}^${pick([inner, () => String(below(4))])()}`,
      () => `(${below(8)})!`,
      () => `${inner()}%${blank()}`,
      () => `${pick(one)}(${inner()})`,
      () => `${pick(["max", "min"])}(${inner()},${blank()}${inner()}, ${number()})`,
      () => `pow(${inner()}, ${below(4)})`,
      () => `log(${number()}, ${pick(["2", "10", "3"])})`,
    ])();
  };
  const logic = (depth) => {
    if (depth === 0) return pick([() => `${number()} ${pick(["==", "!=", "<", "<=", ">", ">="])} ${number()}`, () => pick(["true", "false", "0", "1"]), number])();
    const inner = () => logic(depth - 1);
    return pick([
      () => `${inner()} ${pick(["and", "or", "xor"])} ${inner()}`,
      () => `not ${inner()}`,
      () => `(${inner()})`,
      () => `${tree(1)} ${pick(["==", "!=", "<", "<=", ">", ">="])} ${tree(1)}`,
    ])();
  };
  const spoil = (text) => {
    const at = below(text.length + 1);
    return text.slice(0, at) + pick(["(", ")", "*", "!", "%", "^", ",", "-", " ", "x", "#"]) + text.slice(at);
  };
  const generate = () =>
    pick([
      () => formula(tree(1 + below(4))),
      () => formula(tree(1 + below(4))),
      () => formula(`${tree(2)} # ${tree(1)}`),
      () => formula(spoil(tree(1 + below(2)))),
      () => expression(logic(1 + below(3))),
    ])();
  const texts = [
    "1 + 2 * 3", "10 / 4", "2 ^ 10", "10 % 3", "5!", "(1 + 2) * 3", "7 # a comment", "abs(-3)", "ceil(1.2)", "floor(-1.2)", "min(3, 1, 2)", "max(3, 1, 2)",
    "round(2.5)", "round(-2.5)", "exp(1)", "log(10)", "log10(1000)", "pow(2, 8)", "sqrt(16)", "sin(pi / 2)", "cos(0)", "tan(1)", "asin(1)", "acos(1)",
    "atan(1)", "sinh(1)", "cosh(1)", "tanh(1)", "-2^2", "2^3^2", "(132000000000000000 / 10000) - 116444736000",
  ];
  const truths = ["true and false", "true or false", "not true", "true xor false", "1 < 2", "2 <= 2", "3 != 4 # different", "not (1 == 2) and 3 > 2"];
  return { documented: [...texts.map(formula), ...truths.map(expression)], generate };
}
