// SPDX-License-Identifier: BSD-2-Clause
// ask.mjs: is an answer that somebody typed the one that is wanted?
//
// Rules     1. Numbers are numbers: 1,048,576, 1048576 and 0x100000 are the same.
//           2. What is no number is a word: case and blanks do not matter.
//           3. Several, with commas and blanks between, are wanted in their order.

const plain = s => s.toLowerCase().trim().replace(/(\d),(?=\d{3}\b)/g, '$1')
const one = s => (/^(0x[0-9a-f]+|[-+]?\d+(\.\d+)?)$/.test(s) ? Number(s) : s)
export const parts = s => plain(s).split(/[\s,;]+/).filter(x => x).map(one)

export function isRight(given, want) {
  const a = parts(given), b = parts(want)
  return a.length === b.length && a.every((x, k) => x === b[k])
}
