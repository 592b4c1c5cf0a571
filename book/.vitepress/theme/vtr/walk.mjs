// SPDX-License-Identifier: BSD-2-Clause
// walk.mjs: the four tables through which an address is found, at any moment of a trace
//
// Problem   No event says "this process has that root".  But a table's home is the word
//           that leads to it, and a fault says for which address a table was made.
//
// Picture   page.home new=table:PA ─→ under the word at PA hangs this frame
//           fault.begin va, then a word of a table that is made for it
//             ─ up, from home to home, each index as the address has it ─→ the root
//           root ─ down, index by index ─→ four words and a frame
//
// Rules     1. A root is believed when all indices on the way up are the address's, and the
//              process is in that fault: a fork makes the child's tables, for the same.
//           2. What no event tells is undefined; a table that is away is null.
//           3. No package and no document: the tests run it in node.
import { History, field, idOf } from './replay.mjs'

const WORDS = 512, TABLE = 5, PTE = 1 // kinds of a home: mem/page.h
const LEVELS = 4

export const indexAt = (va, level) => Math.floor(va / 4096 / WORDS ** (level - 1)) % WORDS
const wordIndex = pa => Math.floor(pa / 8) % WORDS

export class Walks {
  // before, i: as Replay's.
  constructor(t, before, i) {
    this.t = t
    this.seen = 0
    this.under = before?.under.since(i) ?? new History()  // word → the frame of the table that it leads to, or null
    this.over = before?.over.since(i) ?? new History()   // frame of a table → its word, or null
    this.roots = before?.roots.since(i) ?? new History()  // process → frame
    this.spaces = before?.spaces.since(i) ?? new History() // process → its space
    this.faults = new Map()     // process → the address of the fault that it is in
    this.grow()
  }

  grow() {
    const { t } = this
    const [home, begin, end, alloc, word, space] = ['page.home', 'fault.begin', 'fault.end', 'table.alloc', 'page.word', 'vad.space'].map(n => idOf(t, n))
    for (let i = this.seen; i < t.n; i++) {
      const e = t.id[i]
      if (e === begin) this.begin(i)
      else if (e === space) this.spaces.put(t.v[8 * i + 2], i, t.v[8 * i])
      else if (e === end) this.faults.delete(t.pid[i])
      else if (e === home) this.home(i)
      else if (e === alloc) this.climb(i, t.v[8 * i] + t.v[8 * i + 1] * 2 ** 32, t.v[8 * i + 2] + 1)
      else if (e === word && t.v[8 * i + 4] & 1) this.climb(i, t.v[8 * i] + t.v[8 * i + 1] * 2 ** 32, 1)
    }
    this.seen = t.n
  }

  // Of a fault in another's space nothing is learned.
  begin(i) {
    const { t } = this, pid = t.pid[i], space = this.spaces.at(pid, i)
    if (space === undefined || space === t.v[8 * i + 4]) this.faults.set(pid, t.v[8 * i] + t.v[8 * i + 1] * 2 ** 32)
    else this.faults.delete(pid)
  }

  // A frame has another home: pfn, old, new.
  home(i) {
    const { t } = this, frame = t.v[8 * i]
    const [was, is] = [2, 4].map(h => ({ kind: t.v[8 * i + h + 1] >>> 28, pa: (t.v[8 * i + h + 1] & 0xfffffff) * 2 ** 32 + t.v[8 * i + h] }))
    if (was.kind === TABLE && this.under.at(was.pa, i) === frame) this.under.put(was.pa, i, null)
    if (is.kind === TABLE) this.under.put(is.pa, i, frame)
    if (is.kind === TABLE || was.kind === TABLE) this.over.put(frame, i, is.kind === TABLE ? is.pa : null)
    if (is.kind === PTE) this.climb(i, is.pa, 1)
  }

  // The word at pa, of a table of that level, was changed in a fault: whose root is above?
  climb(i, pa, level) {
    const pid = this.t.pid[i], va = this.faults.get(pid)
    if (va === undefined || level < 1 || level > LEVELS) return
    for (; level <= LEVELS; level++) {
      if (wordIndex(pa) !== indexAt(va, level)) return
      const frame = Math.floor(pa / 4096), up = this.over.at(frame, i)
      if (level === LEVELS) { if (up === undefined || up === null) this.roots.put(pid, i, frame) }
      else if (up === undefined || up === null) return
      else pa = up
    }
  }

  // From the root down: { level, index, table, pa } of each word that is known, and frame:
  // of the table below, null when there is none, undefined when no event tells.
  walk(pid, va, i) {
    const steps = []
    let table = this.roots.at(pid, i)
    for (let level = LEVELS; level >= 1 && typeof table === 'number'; level--) {
      const index = indexAt(va, level), pa = table * 4096 + index * 8
      steps.push({ level, index, table, pa })
      table = level > 1 ? this.under.at(pa, i) : undefined
      steps.at(-1).below = table
    }
    return steps
  }

  // Words of a table that lead to tables, at event i.
  leads(table, i) {
    return Array.from({ length: WORDS }, (_, k) => typeof this.under.at(table * 4096 + k * 8, i) === 'number')
  }

  // The last event up to i that changed the word at pa (--trace-words); -1: none is known.
  wordAt(pa, i) {
    const { t } = this, word = idOf(t, 'page.word'), lo = pa % 2 ** 32, hi = Math.floor(pa / 2 ** 32)
    for (let k = word < 0 ? -1 : i; k >= 0; k--) if (t.id[k] === word && t.v[8 * k] === lo && t.v[8 * k + 1] === hi) return k
    return -1
  }
}

// Of an event that names an address: which.  undefined: it names none.
export const addressOf = (t, i) => field(t, i, 'va')
