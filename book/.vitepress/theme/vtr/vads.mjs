// SPDX-License-Identifier: BSD-2-Clause
// vads.mjs: the mappings of each space, at any moment of a trace
//
// Problem   A process has mapped far more than it has touched.  No event says what all its
//           mappings are; each says one that was made, changed, or removed.
//
// Picture   vad.attach, protect, merge  space, [start, end) ─→ there is one of this range
//           vad.detach                  ─→ there is nothing
//           fork.begin parent, child    ─→ the child's are the parent's
//           vad.space space, thread     ─→ whose they are, from now on
//
// Rules     1. A list is never changed: a moment that has it keeps it.
//           2. No package and no document: the tests run it in node.
import { History, idOf, number } from './replay.mjs'

// VAD_* of the kernel: vm/space/space.h.
const SHARED = 1, GROWSDOWN = 2, DONTFORK = 16, HEAP = 256

// Those outside of a range, with what is left of one that reaches into it.
function cut(list, start, end) {
  return list.flatMap(v => (v.end <= start || v.start >= end ? [v]
    : [...(v.start < start ? [{ ...v, end: start }] : []), ...(v.end > end ? [{ ...v, start: end }] : [])]))
}
function put(list, v) {
  const rest = cut(list, v.start, v.end), k = rest.findIndex(w => w.start > v.start)
  rest.splice(k < 0 ? rest.length : k, 0, v)
  return rest
}

// As /proc/PID/maps has it: rw-p.
export const rightsOf = v => ['r', 'w', 'x'].map((c, k) => (v.prot >> k & 1 ? c : '-')).join('') + (v.flags & SHARED ? 's' : 'p')
export const kindOf = v => (v.flags & HEAP ? 'heap' : v.flags & GROWSDOWN ? 'stack' : '')

export class Mappings {
  // before, i: as Replay's.
  constructor(t, before, i) {
    this.t = t
    this.seen = 0
    this.lists = before?.lists.since(i) ?? new History()   // space → its mappings, by address
    this.spaces = before?.spaces.since(i) ?? new History() // thread → space
    this.grow()
  }

  grow() {
    const { t } = this
    const id = Object.fromEntries(['attach', 'protect', 'merge', 'detach', 'space', 'end'].map(n => [n, idOf(t, `vad.${n}`)]))
    const makes = [id.attach, id.protect, id.merge], fork = idOf(t, 'fork.begin')
    // A trace of before there were spaces in it tells of none.
    if (id.space < 0) return
    for (let i = this.seen; i < t.n; i++) {
      const e = t.id[i], n = k => number(t, i, k)
      if (makes.includes(e) || e === id.detach) {
        const now = this.lists.at(n(3), i) ?? [], v = { start: n(0), end: n(1), flags: t.v[8 * i + 4], prot: t.v[8 * i + 5] }
        this.lists.put(n(3), i, e === id.detach ? cut(now, v.start, v.end) : put(now, v))
      } else if (e === fork) this.lists.put(n(1), i, (this.lists.at(n(0), i) ?? []).filter(v => !(v.flags & DONTFORK)))
      else if (e === id.space) this.spaces.put(n(1), i, n(0))
      else if (e === id.end) this.lists.put(n(0), i, [])
    }
    this.seen = t.n
  }

  // Of a thread at event i: { start, end, flags, prot }, vpn, by address.
  of(thread, i) {
    return this.lists.at(this.spaces.at(thread, i), i) ?? []
  }

  // The threads that are in a space at event i, the first ones first.
  threadsIn(space, i) {
    return [...this.spaces.all.keys()].filter(thread => this.spaces.at(thread, i) === space).sort((a, b) => a - b)
  }
}
