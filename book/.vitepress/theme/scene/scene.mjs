// SPDX-License-Identifier: BSD-2-Clause
// scene.mjs: a graph that tools/scene has made, as it is played
//
// Picture   NAME.json ─→ still(): what a page needs before it is played
//           state ─→ items "A0|VALID P1 PRIV W" ─→ picture(): boxes and arrows
//           step ─→ names that go on: the frame that was P1 is P1 still
//
// Rules     1. Nothing here knows what the kernel does; that is in the graph.
//           2. No package and no document: the tests run it in node.

export const itemsOf = (graph, state) => graph.states[state].map(i => graph.items[i])

// The name of a graph's file: of a scene, with a bug, or under a design.
export const variantOf = ({ scene, bug, design }) => `${scene}${bug ? '-bug' : ''}${design ? `-${design}` : ''}`

// What stands in the page: the head, and the states that have names.
export function still(graph) {
  const { scene, title, bug, design, shows, pages, at, cpus, procs, acts, outcomes, names, puzzles } = graph
  const most = letter => Math.max(0, ...graph.states.map(s => s.filter(i => new RegExp(`^${letter}\\d+\\|`).test(graph.items[i])).length))
  return {
    scene, title, bug, design, shows, pages, at, cpus, procs, acts, outcomes, puzzles, size: graph.states.length, first: graph.steps[0].map(s => s[0]),
    frames: most('P'), entries: most('E'), slots: most('S'), depths: Math.max(0, ...graph.states.map((_, s) => chains(byKey(itemsOf(graph, s)), procs).depths)),
    names: names.map(([id, state, text]) => ({ id, state, text, items: itemsOf(graph, state) }))
  }
}

// ---- notes: "says|events|counters|renamed" ----

export function note(graph, step) {
  const [says, events, counters, renamed] = graph.notes[step[3]].split('|')
  return {
    says,
    events: events.split(' ').filter(x => x),
    counters: counters.split(' ').filter(x => x).map(c => c.split('=')).map(([name, n]) => [name, Number(n)]),
    renamed: Object.fromEntries(renamed.split(' ').filter(x => x).map(r => r.split('=')))
  }
}

// ---- names that go on ----

const NAME = /\b[PESMVX]\d+\b/g
const namesIn = items => new Set(items.flatMap(i => i.match(NAME) || []))

// Labels of a state as it stands alone: its own names.
export const ownLabels = items => Object.fromEntries([...namesIn(items)].map(n => [n, n]))

// Labels behind a step: who was there keeps its own, who is new takes the first free.
export function labelsAfter(labels, items, renamed) {
  const next = {}
  const names = [...namesIn(items)]
  for (const n of names) {
    const was = n in renamed ? renamed[n] : n
    if (was !== '-' && was in labels) next[n] = labels[was]
  }
  const used = new Set(Object.values(next))
  for (const n of names) {
    if (next[n]) continue
    let k = 1
    while (used.has(n[0] + k)) k++
    used.add(next[n] = n[0] + k)
  }
  return next
}

export const labelled = (items, labels) => items.map(i => i.replace(NAME, n => labels[n] ?? n))

// ---- what changed ----

const byKey = items => new Map(items.map(i => { const at = i.indexOf('|'); return [i.slice(0, at), i.slice(at + 1)] }))

// { key → what it was, null: it is new }, and what is gone.
export function changes(before, after) {
  const was = byKey(before), is = byKey(after)
  const changed = new Map()
  for (const [k, v] of is) if (was.get(k) !== v) changed.set(k, was.get(k) ?? null)
  return { changed, gone: [...was.keys()].filter(k => !is.has(k)) }
}

// ---- ways ----

// Steps by a shortest way from one state to the first that is good; null: there is none.
export function way(graph, from, isGood) {
  if (isGood(from)) return []
  const seen = new Map([[from, null]])
  for (const s of seen.keys()) // grows meanwhile
    for (const step of graph.steps[s]) {
      if (seen.has(step[1])) continue
      seen.set(step[1], [s, step])
      if (!isGood(step[1])) continue
      const steps = []
      for (let at = step[1]; at !== from;) {
        const [before, by] = seen.get(at)
        steps.unshift(by)
        at = before
      }
      return steps
    }
  return null
}

// How many steps lead from the start to a state, by its name or number; null: none do.
export function stepsTo(graph, name) {
  const to = graph.names.find(n => n[0] === name)?.[1] ?? Number(name)
  return way(graph, 0, s => s === to)?.length ?? null
}

export const stepOf = (graph, state, act) => graph.steps[state].find(s => s[0] === act)

// "A stores", "Write to swap": what was done.
export function said(head, act) {
  const [who, label] = head.acts[act]
  if (who === 'kernel') return label[0].toUpperCase() + label.slice(1)
  return `${who} ${label.replace(/^load (\d)/, 'loads from page $1').replace(/^store (\d)/, 'stores to page $1').replace(/^(read-only|writable) (\d+–\d+)/, 'makes pages $2 $1').replace(/^(read-only|writable) (\d)/, 'makes page $2 $1').replace(/^(map|unmap) (\d+)$/, '$1s page $2').replace(/^(map|unmap) (\d+–\d+)/, '$1s pages $2').replace(/^(\w+)/, w => VERBS[w] ?? w)}`
}
const VERBS = { load: 'loads', store: 'stores', fork: 'forks', exit: 'exits', make: 'makes' }

// ---- the picture ----

const WORDS = {
  none: 'nothing is mapped', OUT: 'its table is out', ABSENT: 'no page yet', TRANS: 'in memory, not mapped', BUSY: 'being read', SWAP: 'on swap', ERROR: 'lost'
}

// "VALID P1 FORK E1 R D" → what a row shows.
export function word(text) {
  const [kind, ...rest] = text.split(' ')
  if (kind === 'none') return { kind: '–', bits: [], target: null, hint: WORDS.none }
  const entry = rest.find(w => /^(E\d+|X\d+\.\d+)$/.test(w)) ?? null
  const target = rest.find(w => /^([PS]\d+|Z)$/.test(w)) ?? entry
  if (kind !== 'VALID') return { kind, bits: [], target, entry, hint: WORDS[kind] ?? '' }
  return {
    kind, target, entry,
    src: rest.find(w => /^(OBJ|PRIV|FORK|SPEC)$/.test(w)),
    bits: rest.filter(w => /^(R|W|D|A|LOCK|age\d)$/.test(w)), hint: ''
  }
}

const LEVELS = { L4: 'PML4', L3: 'PDPT', L2: 'PD' }

// "ACTIVE home A0 maps 1 dirty slot S1 value A"
export function frame(text) {
  const m = text.match(/^(\w+) home (\S+) maps (\d+)( pinned)?( dirty)?( writing)?(?: slot (S\d+))? value (\S+)$/)
  if (!m) throw new Error(`scene: cannot read the frame "${text}"`)
  return { state: m[1], home: m[2], maps: Number(m[3]), pinned: !!m[4], dirty: !!m[5], writing: !!m[6], slot: m[7] ?? null, value: m[8] }
}

// A translation that says more, or other, than the word it was made of.
export function isStale(tlb, now) {
  if (now === undefined) return true
  const t = word(tlb), w = word(now)
  return w.kind !== 'VALID' || w.target !== t.target || (t.bits.includes('W') && !w.bits.includes('W'))
}

// Objects in chains: each as far behind as from the top that is farthest.
function chains(all, procs) {
  const objects = [...all].filter(([k]) => /^X\d+$/.test(k)).map(([key, text]) => {
    const [, children, parent] = text.match(/^children (\d+) behind (\S+)/)
    return { key, children: Number(children), parent, depth: 0, met: Infinity }
  })
  let met = 0
  for (const name of procs) {
    let at = all.get(name)?.match(/^lives top (X\d+)$/)?.[1]
    for (let depth = 0, o; (o = objects.find(x => x.key === at)); at = o.parent, depth++) {
      o.depth = Math.max(o.depth, depth)
      o.met = Math.min(o.met, met++)
    }
  }
  objects.sort((a, b) => a.met - b.met)
  for (const o of objects) o.row = objects.filter(x => x.depth === o.depth && x.met < o.met).length
  return { objects, depths: objects.length && Math.max(...objects.map(o => o.depth)) + 1 }
}

// Boxes of a state; items are labelled.
export function picture(head, items, changed = new Map()) {
  const all = byKey(items)
  const mark = key => (changed.has(key) ? (changed.get(key) === null ? 'new' : 'changed') : '')
  const arrows = []
  const arrow = (from, to, kind) => { if (to) arrows.push({ from, to, kind }) }
  const cell = (key, text) => {
    const w = { key, ...word(text), mark: mark(key), was: changed.get(key) ?? null }
    arrow(key, w.entry ?? w.target, w.kind === 'VALID' ? 'valid' : 'soft')
    return w
  }
  const list = letter => [...all.keys()].filter(k => new RegExp(`^${letter}\\d+$`).test(k))
    .sort((a, b) => a.slice(1) - b.slice(1))

  const procs = head.procs.map(name => ({
    name, lives: all.has(name), mark: mark(name), amap: all.get(name)?.match(/^lives (M\d+) refs (\d+)$/), top: all.get(name)?.match(/^lives top (X\d+)$/)?.[1],
    tables: name !== head.procs[0] ? [] : [...all.keys()].filter(k => /^L\d/.test(k)).sort((a, b) => b[1] - a[1])
      .map(k => ({ ...cell(k, all.get(k)), level: LEVELS[k.slice(0, 2)], index: k.split('.').slice(1).pop() })),
    words: Array.from({ length: head.pages }, (_, i) => `${name}${head.at?.[i] ?? i}`)
      .map(k => all.has(k) ? { ...cell(k, all.get(k)), index: all.get(`I${k.slice(name.length)}`) } : { key: k, kind: '', bits: [], mark: '' })
  }))
  const entries = list('E').map(key => {
    const m = all.get(key).match(/^refs (\d+) (.*)$/)
    if (!m) return { key, mark: mark(key), out: true }
    const w = word(m[2])
    arrow(key, w.target, 'entry')
    return { key, refs: Number(m[1]), ...w, mark: mark(key), was: changed.get(key) ?? null }
  })
  const objects = chains(all, head.procs).objects.map(o => {
    arrow(o.key, o.parent, 'entry')
    const records = [...all.keys()].filter(k => k.startsWith(`${o.key}.`))
      .map(k => ({ ...cell(k, all.get(k)), page: k.split('.')[1], unseen: Number(all.get(k).match(/unseen (\d+)/)[1]) }))
    return { ...o, records, mark: mark(o.key), was: changed.get(o.key) ?? null }
  })
  const frames = list('P').map(key => ({ key, ...frame(all.get(key)), mark: mark(key), was: changed.get(key) ?? null }))
  const file = all.has('F') && {
    size: all.get('F'), mark: mark('F'),
    pages: list('F').map(key => {
      const disk = 'D' + key.slice(1)
      const target = all.get(key) === '-' ? null : all.get(key)
      arrow(key, target, 'entry')
      return { key, page: key.slice(1), target, disk: all.get(disk), mark: mark(key), diskMark: mark(disk), was: changed.get(key) ?? null }
    })
  }
  const object = all.has('O') && { size: all.get('O'), mark: mark('O'), words: list('O').map(k => cell(k, all.get(k))) }
  const queues = ['modified', 'modfile', 'standby'].filter(q => all.has(q) && (q !== 'modfile' || all.has('F')))
    .map(q => ({ name: q === 'modfile' ? 'modified, of a file' : q, pages: all.get(q).split(' ').filter(x => x), mark: mark(q) }))
  const slots = list('S').map(key => ({ key, value: all.get(key), mark: mark(key) }))
  const vads = list('V').map(key => {
    const [start, end, prot, side, up] = all.get(key).split(' ')
    return { key, start: Number(start), end: Number(end), prot, side, up, mark: mark(key), was: changed.get(key) ?? null }
  }).sort((a, b) => a.start - b.start)
  for (const v of vads) // how far below the root
    for (let at = v; at; at = vads.find(u => u.key === at.up)) v.depth = (v.depth ?? -1) + 1
  const cpus = Array.from({ length: head.cpus }, (_, c) => {
    const [does, waits] = (all.get(`cpu${c}`) ?? '').split('; ')
    const tlb = [...all.keys()].filter(k => k.startsWith(`tlb${c}.`)).map(key => {
      const stale = isStale(all.get(key), all.get(key.slice(5)))
      const w = { key, of: key.slice(5), ...word(all.get(key)), mark: mark(key), stale }
      arrow(key, w.target, stale ? 'stale' : 'tlb')
      return w
    })
    return { n: c, does, waits, read: all.get(`read${c}`) ?? '', tlb, mark: mark(`cpu${c}`), readMark: mark(`read${c}`) }
  })
  return { procs, entries, objects, frames, file, object, queues, slots, cpus, vads, arrows }
}
