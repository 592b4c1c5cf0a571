// SPDX-License-Identifier: BSD-2-Clause
// life.mjs: of a trace what the figures of all frames show, as one small file
//
//   node book/.vitepress/book/life.mjs TRACE OUT     from a trace
//   node book/.vitepress/book/life.mjs OUT           is it one that the figures can read?
//
// The file is that of theme/vtr/columns.mjs, compressed.
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { pack, unpack } from '../theme/vtr/columns.mjs'
import { Replay, nameOf, parse } from '../theme/vtr/replay.mjs'
import { events } from './data.mjs'

const SHOWN = /^(page\.state|swap\.(in|out|free)|fork\.begin|fault\.(?!begin|end|restart))/
const MOST = 300e3

// Of the events those that are shown; of a fault the page and its frame.
function only(t) {
  const keep = []
  for (let i = 0; i < t.n; i++) if (SHOWN.test(nameOf(t, i))) keep.push(i)
  const of = (column, each = 1) => {
    const out = new column.constructor(keep.length * each)
    keep.forEach((i, k) => { for (let x = 0; x < each; x++) out[each * k + x] = column[each * i + x] })
    return out
  }
  const v = of(t.v, 8)
  keep.forEach((i, k) => { if (nameOf(t, i).startsWith('fault.')) v.fill(0, 8 * k + 2, 8 * k + 6) })
  const kinds = t.kinds.map(k => (k && SHOWN.test(k.name) ? k : null))
  return { ...t, kinds, n: keep.length, id: of(t.id), cpu: of(t.cpu), pid: of(t.pid), seq: new Float64Array(keep.length), time: new Float64Array(keep.length), v }
}

export function readLife(path) {
  const { buffer, byteOffset, byteLength } = gunzipSync(readFileSync(path))
  return unpack(buffer.slice(byteOffset, byteOffset + byteLength))
}

// What stands in the way of showing it.
export function lifeFindings(path) {
  const found = [], t = readLife(path), r = new Replay(t)
  const bytes = readFileSync(path).length
  if (bytes > MOST) found.push(`${bytes} bytes, compressed; a figure has at most ${MOST}`)
  const known = new Map(events.map(e => [e.name, e]))
  for (const k of t.kinds) if (k && !known.has(k.name)) found.push(`${k.name} is no event of this kernel`)
  for (const name of ['fork.begin', 'swap.out', 'swap.in']) if (!t.id.some((id, i) => nameOf(t, i) === name)) found.push(`no ${name} happens in it`)
  if (r.nslots === 0 || r.pages.length === 0) found.push('no slot, or no page of a process')
  r.seek(t.n - 1)
  const counts = r.counts()
  counts.forEach((n, s) => { if (s < 9 && n !== r.series[s][r.columns - 1]) found.push(`at the end ${n} frames in state ${s}, ${r.series[s][r.columns - 1]} by the chart`) })
  return found
}

const [from, out] = process.argv[1]?.endsWith('/life.mjs') ? process.argv.slice(2) : []
if (out) {
  const { buffer, byteOffset, byteLength } = readFileSync(from)
  writeFileSync(out, gzipSync(pack(only(parse(buffer.slice(byteOffset, byteOffset + byteLength)))), { level: 9 }))
}
if (from) {
  const found = lifeFindings(out ?? from)
  for (const f of found) console.error(`${out ?? from}: ${f}`)
  process.exitCode = found.length > 0 ? 1 : 0
}
