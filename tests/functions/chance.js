// Chance that repeats: the same seed draws the same cases.

export function chance(seed) {
  let state = seed >>> 0;
  // Mulberry32 (Tommy Ettinger, public domain): a counter and two mixes.
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (bound) => Math.floor(unit() * bound);
  const pick = (list) => list[below(list.length)];
  const many = (least, most, draw) => Array.from({ length: least + below(most - least + 1) }, draw);
  return { unit, below, pick, many };
}
