// SPDX-License-Identifier: BSD-2-Clause
// chains.mjs: the objects behind each mapping under design shadow, at any moment of a trace
//
// Problem   A page of a mapping lies in its own object or in one of those behind it.  Which
//           lie behind it changes with each fork and each end of a process.
//
// Picture   shadow.top object, va, space  ─→ a mapping has it in front
//           shadow.link object, parent    ─→ it sees that one behind it; of a fork it takes
//                                            the place in front that the parent had
//           shadow.collapse object, parent → it sees what the parent saw; the parent ends
//           shadow.page, shadow.end       ─→ so many records; none, and it is no more
//
// Rules     1. The kernel's objects are numbered by address: behind shadow.end the number
//              is of another one.
//           2. No package and no document: the tests run it in node.
import { History, idOf, number } from './replay.mjs'

const NAMES = ['top', 'link', 'collapse', 'page', 'end']

export class Chains {
  // before, i: as Replay's.
  constructor(t, before, i) {
    this.t = t
    this.seen = 0
    this.places = before?.places.since(i) ?? new History()   // object → where it is in front; null: nowhere
    this.parents = before?.parents.since(i) ?? new History() // object → the one behind it; 0: none; null: it is no more
    this.records = before?.records.since(i) ?? new History() // object → how many it has
    this.grow()
  }

  grow() {
    const { t, places, parents, records } = this
    const kind = new Map(NAMES.map(n => [idOf(t, `shadow.${n}`), n]))
    for (let i = this.seen; i < t.n; i++) {
      const what = kind.get(t.id[i])
      if (!what) continue
      const object = number(t, i, 0), other = number(t, i, 1)
      if (what === 'top') {
        places.put(object, i, { va: other, space: number(t, i, 2), pager: number(t, i, 3) })
        parents.put(object, i, parents.at(object, i) ?? 0)
      } else if (what === 'link') {
        const place = places.at(other, i)
        parents.put(object, i, other)
        if (place) { places.put(object, i, place); places.put(other, i, null) }
      } else if (what === 'collapse') parents.put(object, i, parents.at(other, i) ?? 0)
      else if (what === 'page') records.put(object, i, other)
      else for (const h of [places, parents]) h.put(object, i, null)
    }
    this.seen = t.n
  }

  // Of each mapping, at event i: { va, space, pager, objects }, from its top on, by space and
  // address; of each object { object, children, records }.
  at(i) {
    const children = new Map(), all = []
    for (const object of this.parents.all.keys()) {
      const parent = this.parents.at(object, i)
      if (parent) children.set(parent, (children.get(parent) ?? 0) + 1)
    }
    for (const top of this.places.all.keys()) {
      const place = this.places.at(top, i), objects = []
      if (!place) continue
      for (let o = top; o && !objects.some(x => x.object === o); o = this.parents.at(o, i))
        objects.push({ object: o, children: children.get(o) ?? 0, records: this.records.at(o, i) ?? 0 })
      all.push({ ...place, objects })
    }
    return all.sort((a, b) => a.space - b.space || a.va - b.va)
  }
}
