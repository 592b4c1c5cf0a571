// SPDX-License-Identifier: BSD-2-Clause
// columns.mjs: a trace that was read, in a tenth of its bytes
//
// Problem   A record of a trace is 40 bytes, or 80; a million of them are unpacked for
//           seconds before a page shows anything.
//
// Picture   events ─pack()─→ length of the head (a word, and an empty one)
//                            head : JSON, filled up to 8 bytes: what the events are,
//                                   and the width and length of each column
//                            the columns, those of the widest numbers first
//           columns: kind, CPU, process, steps of number and time of all events;
//                    then for each kind the halves of its four fields
//
// Rules     1. A column has the least width that holds its numbers: 0 (all are 0), 1,
//              2, 4 or 8 bytes.
//           2. What unpack() gives is what parse() gave.

const TYPE = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array }
const HALVES = 8

function widthOf(column) {
  let most = 0
  for (const x of column) if (x > most) most = x
  return most === 0 ? 0 : most < 2 ** 8 ? 1 : most < 2 ** 16 ? 2 : most < 2 ** 32 ? 4 : 8
}

// From one number to the next, and back: those below zero are the odd ones.
function stepsOf(list, n) {
  const steps = new Float64Array(n)
  for (let i = 0, last = 0; i < n; last = list[i++]) steps[i] = list[i] < last ? 2 * (last - list[i]) - 1 : 2 * (list[i] - last)
  return steps
}
function ofSteps(steps) {
  const list = new Float64Array(steps.length)
  for (let i = 0, last = 0; i < steps.length; i++) list[i] = last += steps[i] % 2 ? -(steps[i] + 1) / 2 : steps[i] / 2
  return list
}

// The events of each kind, by number.
function byKind(id, n) {
  const count = new Uint32Array(256), at = []
  for (let i = 0; i < n; i++) count[id[i]]++
  count.forEach((c, k) => { at[k] = new Uint32Array(c) })
  count.fill(0)
  for (let i = 0; i < n; i++) at[id[i]][count[id[i]]++] = i
  return at.filter(list => list.length)
}

export function pack({ id, cpu, pid, seq, time, v, n, ...about }) {
  const columns = [id, cpu, pid].map(c => c.subarray(0, n))
  columns.push(stepsOf(seq, n), stepsOf(time, n))
  for (const at of byKind(id, n))
    for (let h = 0; h < HALVES; h++) columns.push(at.map(i => v[HALVES * i + h]))
  const sizes = columns.map(c => [widthOf(c), c.length])
  const text = new TextEncoder().encode(JSON.stringify({ ...about, n, sizes }))
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20)
  new Uint32Array(head.buffer, 0, 2).set([head.length - 8, 0])
  head.set(text, 8)
  const parts = [head, ...[8, 4, 2, 1].flatMap(w => columns.filter((_, k) => sizes[k][0] === w).map(c => new Uint8Array(TYPE[w].from(c).buffer)))]
  const file = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0))
  let end = 0
  for (const p of parts) { file.set(p, end); end += p.length }
  return file
}

export function unpack(buffer) {
  const head = new Uint32Array(buffer, 0, 1)[0]
  const { sizes, ...about } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, head)))
  const columns = sizes.map(([w, length]) => w === 0 ? new Uint8Array(length) : null)
  let start = 8 + head
  for (const w of [8, 4, 2, 1])
    sizes.forEach(([width, length], k) => {
      if (width !== w) return
      columns[k] = new TYPE[w](buffer, start, length)
      start += w * length
    })
  const [id, cpu, pid, seq, time, ...fields] = columns
  const v = new Uint32Array(about.n * HALVES)
  byKind(id, about.n).forEach((at, k) => {
    for (let h = 0; h < HALVES; h++) {
      const column = fields[HALVES * k + h], from = sizes[5 + HALVES * k + h]
      if (from[0] !== 0) at.forEach((i, x) => { v[HALVES * i + h] = column[x] })
    }
  })
  return { ...about, id, cpu, pid, seq: ofSteps(seq), time: ofSteps(time), v }
}
