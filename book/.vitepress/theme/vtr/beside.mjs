// SPDX-License-Identifier: BSD-2-Clause
// beside.mjs: two runs of one program on two kernels, on one axis, and what differs
//
// Problem   Both runs do nearly the same; one event more, and all that follows stands
//           at another place.
//
// Picture   a ─┬── mark 1 ─┬──── mark 2 ─┬──     pieces between the marks that both have
//           b ─┴── mark 1 ─┴─ mark 2 ────┴──     a piece is as long as the longer one
//           deeds of a page in a piece: what one has and the other has not, differs
//
// Rules     1. A page is the same in both by process and address.
//           2. Of deeds of one kind, page and piece the first are pairs; the rest differ.
//           3. No package and no document: the tests run it in node.
import { STATES, UNKNOWN, idOf, number } from './replay.mjs'

const MARKS = 256 // numbers from here on are no regions of a test
const KINDS = 256 // deeds above are states

const indexOf = (t, seq) => {
  let lo = 0, hi = t.n
  while (lo < hi) { const mid = (lo + hi) >> 1; if (t.seq[mid] < seq) lo = mid + 1; else hi = mid }
  return lo < t.n && t.seq[lo] === seq ? lo : -1
}
// The event with that number; -1: none.
export const eventOf = indexOf

function marksOf(t) {
  const id = idOf(t, 'check.mark'), all = []
  for (let i = 0; i < t.n; i++) if (t.id[i] === id && number(t, i, 0) < MARKS) all.push({ i, id: number(t, i, 0) })
  return all
}

// "page.state" is many things: one for each change.
function whatOf(t) {
  const state = idOf(t, 'page.state'), names = t.kinds.map(k => k?.name)
  return i => (t.id[i] === state ? `page.state ${STATES[t.v[8 * i + 2] >>> 8 & 0xff]} → ${STATES[t.v[8 * i + 2] & 0xff]}` : names[t.id[i]])
}

export class Beside {
  // Two replays; regions of the test: { first, last, name }, by marks.
  constructor(a, b, regions = []) {
    this.runs = [a, b]
    this.regions = regions
    this.axis()
    this.differ()
    this.count()
  }

  axis() {
    const marks = this.runs.map(r => marksOf(r.t))
    let n = 0
    while (n < marks[0].length && n < marks[1].length && marks[0][n].id === marks[1][n].id) n++
    this.marks = marks[0].slice(0, n).map(m => m.id)
    this.first = marks.map((m, k) => [0, ...m.slice(0, n).map(x => x.i), this.runs[k].t.n])
    this.start = [0]
    for (let p = 0; p <= n; p++) this.start.push(this.start[p] + Math.max(...this.first.map(f => f[p + 1] - f[p])))
    this.length = Math.max(1, this.start[n + 1])
  }

  pieceOf(run, i) {
    let p = 0
    while (p + 2 < this.first[run].length && this.first[run][p + 1] <= i) p++
    return p
  }

  // Where event i of a run stands on the axis, and the last event of a run that stands at x or before.
  x(run, i) {
    const p = this.pieceOf(run, Math.max(i, 0))
    return this.start[p] + i - this.first[run][p]
  }
  eventAt(run, x) {
    let p = 0
    while (p + 2 < this.start.length && this.start[p + 1] <= x) p++
    return Math.min(this.first[run][p + 1] - 1, this.first[run][p] + Math.max(0, Math.round(x - this.start[p])))
  }

  // What a piece is called.
  nameOf(p) {
    const region = this.regions.find(r => r.first === this.marks[p - 1] && r.last === this.marks[p])
    if (region) return region.name
    if (this.marks.length === 0) return 'the whole run'
    return p === 0 ? `before mark ${this.marks[0]}` : p === this.marks.length ? `behind mark ${this.marks[p - 1]}` : `from mark ${this.marks[p - 1]} to ${this.marks[p]}`
  }

  // All that is done to pages of processes: event, page, what.
  deeds(run) {
    const r = this.runs[run], { t } = r, out = []
    const at = t.kinds.map(k => {
      const va = k?.fields.findIndex(f => f.name === 'va') ?? -1, vpn = k?.fields.findIndex(f => f.name === 'vpn') ?? -1
      return k?.name.startsWith('fault.') && k.name !== 'fault.begin' && va >= 0 ? { f: va, by: 4096 } : vpn >= 0 ? { f: vpn, by: 1 } : null
    })
    for (let i = 0; i < t.n; i++) {
      const where = at[t.id[i]]
      if (where) out.push([i, t.pid[i] * 2 ** 36 + Math.floor(number(t, i, where.f) / where.by), t.id[i]])
    }
    const { from, event, state } = r.segments, changed = idOf(t, 'page.state')
    r.pages.forEach((page, k) => {
      for (let m = from[k]; m < from[k + 1]; m++)
        if (t.id[event[m]] === changed) out.push([event[m], page.pid * 2 ** 36 + page.vpn, KINDS + state[m]])
    })
    return out.sort((x, y) => x[0] - y[0])
  }

  differ() {
    const deeds = [this.deeds(0), this.deeds(1)]
    const keys = new Set([...deeds.flat().map(d => d[1]), ...this.runs.flatMap(r => r.pages.map(p => p.pid * 2 ** 36 + p.vpn))])
    this.rows = [...keys].sort((x, y) => x - y)
    this.rowOf = new Map(this.rows.map((k, row) => [k, row]))
    const pieces = this.start.length, ids = run => d => (this.rowOf.get(d[1]) * pieces + this.pieceOf(run, d[0])) * 512 + d[2]
    const has = deeds.map((list, run) => { const n = new Map(), id = ids(run); for (const d of list) n.set(id(d), (n.get(id(d)) ?? 0) + 1); return n })
    // [event, row] of each run that the other has not.
    this.only = deeds.map((list, run) => {
      const met = new Map(), id = ids(run)
      return list.filter(d => { const n = (met.get(id(d)) ?? 0) + 1; met.set(id(d), n); return n > (has[1 - run].get(id(d)) ?? 0) }).map(d => [d[0], this.rowOf.get(d[1])])
    })
  }

  // Of which events one run has more: by kind and piece, the largest part first.
  count() {
    const n = new Map()
    this.runs.forEach((r, run) => {
      const what = whatOf(r.t)
      for (let p = 0; p + 1 < this.first[run].length; p++)
        for (let i = this.first[run][p]; i < this.first[run][p + 1]; i++) {
          const key = `${p}/${what(i)}`
          let row = n.get(key)
          if (!row) n.set(key, row = { piece: p, name: what(i), n: [0, 0] })
          row.n[run]++
        }
    })
    const share = x => Math.abs(x.n[0] - x.n[1]) / Math.max(...x.n) * Math.log2(2 + Math.abs(x.n[0] - x.n[1]))
    this.counts = [...n.values()].filter(x => x.n[0] !== x.n[1]).sort((x, y) => share(y) - share(x))
  }

  // A count over time, of both: 0 to 8 frames in a state, UNKNOWN: slots of swap; [x, n] …
  curve(run, s) {
    const r = this.runs[run], out = []
    for (let c = 0; c < r.columns; c++) out.push([this.x(run, r.lastOf(c)), r.series[s][c]])
    return out
  }

  // The count by which the runs differ most.
  mostDifferent() {
    let best = 0, most = -1
    for (const s of [UNKNOWN, 2, 3, 4, 0, 1, 5, 6, 7]) {
      const [a, b] = [0, 1].map(run => this.curve(run, s))
      const top = Math.max(...a.map(p => p[1]), ...b.map(p => p[1]))
      const at = (run, x) => this.runs[run].series[s][this.runs[run].columnOf(this.eventAt(run, x))]
      let sum = 0
      for (let k = 1; k < 200; k++) sum += Math.abs(at(0, k * this.length / 200) - at(1, k * this.length / 200))
      if (top > 0 && sum / top > most) { most = sum / top; best = s }
    }
    return best
  }
}
