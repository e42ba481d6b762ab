// Lists and objects: lodash.

import _ from "lodash";

const values = (inputs) => Object.values(inputs);

const CASES = {
  "object:get": ({ object, path }) => ({ output: _.get(object, path) ?? null }),
  "object:set": ({ object, path, value }) => ({ output: _.set(_.cloneDeep(object), path, value) }),
  "object:construct": (inputs) => ({ output: Object.entries(inputs).reduce((object, [path, value]) => _.set(object, path, value), {}) }),
  "object:merge": ({ start, sink }) => ({ output: _.assign({}, start, sink) }),
  "object:omit": ({ object, path }) => ({ output: _.omit(object, path) }),
  "list:flatten": ({ lists }) => ({ list: _.flatten(lists) }),
  "list:union": (inputs) => ({ union: _.union(...values(inputs)) }),
  "list:intersection": (inputs) => ({ list: _.intersection(...values(inputs)) }),
  "list:difference": (inputs) => ({ list: _.difference(...values(inputs)) }),
  "list:uniqueBy": ({ list, path }) => ({ "unique list": _.uniqBy(list, path) }),
  "list:sortBy": ({ list, path }) => ({ "sorted list": _.sortBy(list, path) }),
  "list:pluck": ({ list, key }) => ({ values: _.map(list, key).map((value) => value ?? null) }),
  "list:collapse": ({ list }) => ({ output: _.assign({}, ...list) }),
  "list:groupBy": ({ list, path }) => ({ output: _.groupBy(list, path) }),
  "list:indexBy": ({ list, path }) => ({ output: _.keyBy(list, path) }),
  "list:at": ({ list, index }) => ({ item: list[index] ?? null }),
  "list:join": ({ list, delimiter }) => ({ string: list.join(delimiter) }),
  "math:divide": ({ a, b, decimals }) => (b === 0 ? null : { output: _.round(a / b, decimals), percentage: `${_.round((a / b) * 100, decimals)}%` }),
  "math:round": ({ a }) => ({ output: Math.round(a) }),
};

const of = (key, inputs) => ({ key, inputs, expected: CASES[key](inputs) });

export function lists({ unit, below, pick, many }) {
  const scalar = () => pick([below(5), pick(["a", "b", "c", ""]), below(100) / 4, null, true]);
  const key = () => pick(["a", "b", "a.b", "c d", "x"]);
  const object = (depth = 2) =>
    Object.fromEntries(many(0, 3, () => [key(), depth && below(2) ? pick([() => object(depth - 1), () => many(0, 3, scalar), () => many(1, 2, () => object(depth - 1))])() : scalar()]));
  const path = () => many(1, 4, () => pick(["a", "b", "c d", "0", "1", "x"])).join(".");
  const keyPath = () => `${pick(["a", "b", "x"])}${pick(["", ".0", ".b", ".1.a", "[0]", "[1].b"])}`;
  const plain = () => many(0, 6, () => pick([below(4), pick(["a", "b"])]));
  const number = () => pick([below(200) - 100, (below(2000) - 1000) / 8, (unit() - 0.5) * 1000]);
  const rows = () => many(0, 6, () => ({ id: below(3), name: pick(["a", "b"]), deep: { n: below(3) } }));
  const draw = {
    "object:get": () => ({ object: object(), path: path() }),
    "object:set": () => ({ object: object(), path: path(), value: scalar() ?? 0 }),
    "object:construct": () => Object.fromEntries(many(0, 5, () => [keyPath(), scalar()])),
    "object:merge": () => ({ start: object(), sink: object() }),
    "object:omit": () => ({ object: object(), path: path() }),
    "list:flatten": () => ({ lists: many(0, 4, () => pick([plain, scalar, () => [plain()]])()) }),
    "list:union": () => ({ list1: plain(), list2: plain(), list3: plain() }),
    "list:intersection": () => ({ list1: plain(), list2: plain() }),
    "list:difference": () => ({ list1: plain(), list2: plain(), list3: plain() }),
    "list:uniqueBy": () => ({ list: rows(), path: pick(["id", "name", "deep.n", "none"]) }),
    "list:sortBy": () => ({ list: rows(), path: pick(["id", "name", "deep.n", "none"]) }),
    "list:pluck": () => ({ list: rows(), key: pick(["id", "deep.n", "deep", "none"]) }),
    "list:collapse": () => ({ list: many(0, 3, () => object()) }),
    "list:groupBy": () => ({ list: rows(), path: pick(["name", "deep.n"]) }),
    "list:indexBy": () => ({ list: rows(), path: pick(["name", "deep.n"]) }),
    "list:at": () => ({ list: plain(), index: below(7) - 1 }),
    "list:join": () => ({ list: many(0, 4, scalar), delimiter: pick([",", "", "||", " - "]) }),
    "math:divide": () => ({ a: number(), b: pick([number(), 0, 3, 7]), decimals: below(5) }),
    "math:round": () => ({ a: number() }),
  };
  const generate = () => {
    const name = pick(Object.keys(draw));
    return of(name, draw[name]());
  };
  const documented = [
    of("object:get", { object: { "a.b": 1, a: { b: 2 } }, path: "a.b" }),
    of("object:get", { object: { result: [{ id: "x" }] }, path: "result.0.id" }),
    of("object:construct", { "fields.0.type": "mrkdwn", "fields.1.type": "plain" }),
    of("list:flatten", { lists: [[1, [2]], 3, []] }),
    of("list:at", { list: ["a"], index: 1 }),
  ];
  return { documented, generate };
}
