// SPDX-License-Identifier: BSD-2-Clause
// replay.mjs: a trace, and what was so at each moment of it
//
// Problem   A trace says what changed; a picture shows what is.  A reader drags time
//           over a million events and expects the picture to follow.
//
// Picture   .vtr file ─parse()─→ events in order, each an index
//           events ─Replay─→ states of frames and slots, kept every STEP events
//             seek(i): the last kept before i, then the changes up to i
//           (process, page) ─→ what became of it: moments and states
//
// Rules     1. A frame of which no event tells is UNKNOWN: as it was at boot.
//           2. Before its first event a frame is what that event says it was.
//           3. A page of a process is known by its faults: each names a frame, and
//              shares the frame's fate until that is free.  Of a fault in a space that is
//              not its thread's (a number written for a child) the page is no page of it.
//           4. No package and no document: the tests run it in node.
//
// The format is tools/trace/vtr.h's.

export const STATES = ['FREE', 'ZEROED', 'ACTIVE', 'STANDBY', 'MODIFIED', 'READING', 'LIMBO', 'WIRED', 'BAD']
const FREE = 0, ZEROED = 1, STANDBY = 3, READING = 5
export const ACTIVE = 2
export const UNKNOWN = 9
export const OUT = 10  // of a process's page: its frame was taken, the bytes are on disk
export const GONE = 11 // … nobody has it any more
export const STEP = 4096
const HEAD = 64, RECORD = 40, MORE = 0x8000

// ---- the file ----

function dictionary(text) {
  const kinds = []
  for (const line of text.split('\n').filter(l => l)) {
    const [id, name, fields = ''] = line.split(' ')
    kinds[parseInt(id, 16)] = { name, fields: fields.split(',').filter(f => f).map(f => f.split(':')).map(([n, t]) => ({ name: n, hex: t === 'x' })) }
  }
  return kinds
}

// Records by number: mostly they are in order already.
const seqOf = (words, k) => words[10 * k] + words[10 * k + 1] * 2 ** 32
function order(words, n) {
  const at = new Uint32Array(n)
  let sorted = true
  for (let k = 0; k < n; k++) {
    at[k] = k
    if (k > 0 && seqOf(words, k) < seqOf(words, k - 1)) sorted = false
  }
  return sorted ? at : at.sort((a, b) => seqOf(words, a) - seqOf(words, b))
}

// The head of a file: a trace without events, and where its records are.
// null: the guest has not yet said what its events are.
export function headOf(buffer) {
  const head = new DataView(buffer)
  const magic = buffer.byteLength < HEAD ? '' : String.fromCharCode(...new Uint8Array(buffer, 0, 8))
  if (magic !== 'VADOSVTR') throw new Error('this is no trace (tools/guest --trace makes them)')
  if (head.getUint32(8, true) !== 1 || head.getUint32(16, true) !== RECORD) throw new Error('a trace of another version')
  const start = head.getUint32(12, true), bytes = head.getUint32(48, true)
  if (HEAD + bytes > start || start > buffer.byteLength) throw new Error('this trace ends within its head')
  const t = {
    kinds: dictionary(new TextDecoder().decode(new Uint8Array(buffer, HEAD, bytes))),
    cpus: head.getUint32(20, true), memory: Number(head.getBigUint64(24, true)), lost: Number(head.getBigUint64(40, true)),
    ended: (head.getUint32(52, true) & 1) === 1, n: 0,
    id: new Uint8Array(0), cpu: new Uint8Array(0), pid: new Uint32Array(0), seq: new Float64Array(0), time: new Float64Array(0),
    v: new Uint32Array(0) // four fields of two halves
  }
  return { t, start, named: bytes > 0 }
}

// Of each event so many numbers.
const COLUMNS = [['id', 1], ['cpu', 1], ['pid', 1], ['seq', 1], ['time', 1], ['v', 8]]

// Records become events of t.  An event is there when all of its record, or both, are.
export class Records {
  constructor(t) { this.t = t; this.n = t.n; this.half = [] } // of each CPU: whose second half may come

  room(n) {
    const { t } = this
    if (n <= t.id.length) return
    for (const [k, each] of COLUMNS) {
      const more = new t[k].constructor(each * n)
      more.set(t[k])
      t[k] = more
    }
  }

  // Those records whose places `at` has, in that order.
  add(words, at) {
    const { t, half } = this
    for (const k of at) {
      const w = 10 * k, kind = words[w + 5] & 0xffff, cpu = words[w + 5] >>> 16 & 0xff
      const more = (kind & MORE) !== 0
      const i = more ? half[cpu] : this.n++
      if (i === undefined) continue
      const to = 8 * i + (more ? 4 : 0)
      for (let f = 0; f < 4; f++) t.v[to + f] = words[w + 6 + f]
      half[cpu] = more ? undefined : i
      if (more) continue
      t.id[i] = kind
      t.cpu[i] = cpu
      t.pid[i] = words[w + 4]
      t.seq[i] = seqOf(words, k)
      t.time[i] = words[w + 2] + words[w + 3] * 2 ** 32
    }
  }

  // How many there are: all, or those before the first that waits for its second half.
  count(all) {
    this.t.n = all ? this.n : this.half.reduce((n, i) => (i !== undefined && this.t.kinds[this.t.id[i]]?.fields.length > 2 ? Math.min(n, i) : n), this.n)
  }
}

export function parse(buffer) {
  const { t, start } = headOf(buffer)
  const n = Math.floor((buffer.byteLength - start) / RECORD)
  const words = new Uint32Array(buffer, start, n * 10)
  const records = new Records(t)
  records.room(n)
  records.add(words, order(words, n))
  records.count(true)
  return t
}

// A file that grows: its bytes in pieces of any length.  Records of several CPUs lie in it
// nearly in order: one that comes too early waits for those before it.
export class Growing {
  constructor(buffer) {
    const { t, named } = headOf(buffer)
    if (!named) throw new Error('its guest has not said what its events are')
    this.t = t
    this.records = new Records(t)
    this.rest = new Uint8Array(0)
    this.early = new Map()
    this.next = 1
  }

  feed(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length)
    all.set(this.rest)
    all.set(bytes, this.rest.length)
    const n = Math.floor(all.length / RECORD)
    this.rest = all.slice(n * RECORD)
    const words = new Uint32Array(all.buffer, 0, n * 10)
    for (let k = 0; k < n; k++) {
      if (seqOf(words, k) < this.next) this.t.lost++ // it was waited for, long enough
      else this.early.set(seqOf(words, k), words.subarray(10 * k, 10 * k + 10))
    }
    this.take()
  }

  // What is waited for will not come.
  skip() {
    if (this.early.size === 0) return
    this.next = [...this.early.keys()].reduce((a, b) => Math.min(a, b))
    this.take()
  }

  // The first n events, or some fewer, go; the rest is a trace of its own, another t: that
  // of before stays as it is.  How many went.
  forget(n) {
    const { t, records } = this, waits = records.half.filter(i => i !== undefined)
    n = Math.min(n, ...waits)
    this.t = records.t = { ...t }
    for (const [k, each] of COLUMNS) this.t[k] = t[k].slice(each * n)
    records.n -= n
    records.half = records.half.map(i => (i === undefined ? i : i - n))
    records.count(false)
    return n
  }

  // The run is over.
  end() {
    while (this.early.size > 0) this.skip()
    this.records.count(true)
    this.t.ended = true
  }

  take() {
    const ready = []
    for (let w; (w = this.early.get(this.next)); this.next++) {
      ready.push(w)
      this.early.delete(this.next)
    }
    if (ready.length === 0) return
    const words = new Uint32Array(ready.length * 10)
    ready.forEach((w, k) => words.set(w, 10 * k))
    if (this.records.n + ready.length > this.t.id.length) this.records.room(2 * (this.records.n + ready.length))
    this.records.add(words, ready.keys())
    this.records.count(false)
  }
}

export const idOf = (t, name) => t.kinds.findIndex(k => k?.name === name)
export const nameOf = (t, i) => t.kinds[t.id[i]]?.name ?? `event ${t.id[i]}`
export const number = (t, i, field) => t.v[8 * i + 2 * field] + t.v[8 * i + 2 * field + 1] * 2 ** 32
export const whole = (t, i, field) => BigInt(t.v[8 * i + 2 * field + 1]) << 32n | BigInt(t.v[8 * i + 2 * field])

// The value of a field by its name; undefined: it has none.
export function field(t, i, name) {
  const k = t.kinds[t.id[i]]?.fields.findIndex(f => f.name === name) ?? -1
  return k < 0 ? undefined : number(t, i, k)
}

// ---- what was so ----

// Numbers that come one by one, many of them.
class List {
  constructor(type) { this.all = new type(1024); this.n = 0 }
  push(x) {
    if (this.n === this.all.length) {
      const more = new this.all.constructor(2 * this.n)
      more.set(this.all)
      this.all = more
    }
    this.all[this.n++] = x
  }
  done() { return this.all.subarray(0, this.n) }
}

// The first place in a rising list that is above x.
export function above(list, x) {
  let lo = 0, hi = list.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (list[mid] > x) hi = mid
    else lo = mid + 1
  }
  return lo
}

// What was so from an event on: lists by key.
export class History {
  constructor() { this.all = new Map() }
  put(key, event, value) {
    const h = this.all.get(key)
    if (!h) this.all.set(key, { event: [event], value: [value] })
    else if (h.value.at(-1) !== value) { h.event.push(event); h.value.push(value) }
  }
  at(key, event) {
    const h = this.all.get(key)
    return h && h.value[above(h.event, event) - 1]
  }
  // What is so behind that event, for a history that begins there.
  since(event) {
    const h = new History()
    for (const key of this.all.keys()) {
      const value = this.at(key, event)
      if (value !== undefined) h.put(key, -1, value)
    }
    return h
  }
}

export class Replay {
  // before: of a trace of which t is what is left, behind its event i.
  constructor(t, before, i) {
    this.t = t
    this.most = 1000
    this.nframes = this.nslots = this.seen = this.used = 0
    this.first = new Uint8Array(0) // what frames were before their first event
    this.now = new Uint8Array(0)
    this.slotsNow = new Uint8Array(0)
    this.usedFirst = 0
    this.kept = []
    this.keptSlots = []
    this.pages = []      // { pid, vpn, frame } by number
    this.pageAt = new Map()
    this.owners = []     // of a frame: pages of processes, by number
    this.spaces = before?.spaces.since(i) ?? new History() // thread → its space
    this.abroad = new Set()    // threads in a fault of another space
    this.lists = {
      cEvent: new List(Uint32Array), cFrame: new List(Uint32Array), cTo: new List(Uint8Array),
      sPage: new List(Uint32Array), sEvent: new List(Uint32Array), sState: new List(Uint8Array), sFrame: new List(Uint32Array),
      slotEvents: new List(Uint32Array), slotsUsed: new List(Int32Array)
    }
    if (before) this.follow(before, i)
    this.grow()
  }

  // What was so behind its event i is so at the beginning.
  follow(before, i) {
    const { state, slots, nframes, nslots } = before.seek(i)
    Object.assign(this, { nframes, nslots, first: state.slice(), now: state.slice(), slotsNow: slots.slice() })
    this.used = this.usedFirst = slots.reduce((n, s) => n + s, 0)
    before.pages.forEach(({ pid, vpn }, k) => {
      const frame = before.frameOf(k, i), p = this.pages.length
      if (frame < 0) return
      this.pageAt.set(pid * 2 ** 36 + vpn, p)
      this.pages.push({ pid, vpn, frame })
      ;(this.owners[frame] ??= []).push(p)
      this.segment(p, 0, state[frame] === UNKNOWN ? ACTIVE : state[frame])
    })
  }

  // What has come to the trace since.
  grow() {
    this.sizes()
    this.pass()
    this.columns = Math.min(this.most, Math.max(this.t.n, 1))
    for (const [k, list] of Object.entries(this.lists)) this[k] = list.done()
    this.fill()
    this.bySegment()
    this.seen = this.t.n
    this.state = this.first.slice()
    this.slots = new Uint8Array(this.nslots)
    if (this.kept.length > 0) this.slots.set(this.keptSlots[0])
    this.at = -1
  }

  // How many frames and slots there are.
  sizes() {
    const { t } = this, state = idOf(t, 'page.state')
    const out = idOf(t, 'swap.out'), into = idOf(t, 'swap.in'), free = idOf(t, 'swap.free')
    let frames = Math.max(this.nframes, Math.ceil(t.memory / 4096)), slots = this.nslots
    for (let i = this.seen; i < t.n; i++) {
      const id = t.id[i]
      if (id === state) frames = Math.max(frames, t.v[8 * i] + 1)
      else if (id === out || id === into || id === free) slots = Math.max(slots, slotOf(t, i) + t.v[8 * i + 2])
    }
    const wider = (a, n, fill) => { const b = new Uint8Array(n).fill(fill); b.set(a); return b }
    if (frames > this.nframes) for (const k of ['first', 'now']) this[k] = wider(this[k], frames, UNKNOWN)
    if (slots > this.nslots) this.slotsNow = wider(this.slotsNow, slots, 0)
    this.nframes = frames
    this.nslots = slots
  }

  // One pass over all events that are new.
  pass() {
    const { t, now, slotsNow, lists } = this, fresh = []
    const id = Object.fromEntries(['page.state', 'swap.out', 'swap.free', 'fault.begin', 'vad.space'].map(n => [n, idOf(t, n)]))
    const faults = t.kinds.map(k => k?.name.startsWith('fault.') && k.fields.findIndex(f => f.name === 'pfn') === 3 && k.fields[0].name === 'va')
    for (let i = this.seen; i < t.n; i++) {
      if (i % STEP === 0) { this.kept.push(now.slice()); this.keptSlots.push(slotsNow.slice()) }
      const e = t.id[i]
      if (e === id['page.state']) {
        const frame = t.v[8 * i], from = t.v[8 * i + 2] >>> 8 & 0xff, to = t.v[8 * i + 2] & 0xff
        if (now[frame] === UNKNOWN) { this.first[frame] = from; fresh.push(frame) }
        now[frame] = to
        lists.cEvent.push(i)
        lists.cFrame.push(frame)
        lists.cTo.push(to)
        this.fate(i, frame, from, to)
      } else if (e === id['swap.out'] || e === id['swap.free']) {
        const slot = slotOf(t, i), n = t.v[8 * i + 2], is = e === id['swap.out'] ? 1 : 0
        for (let s = slot; s < slot + n; s++) { this.used += is - slotsNow[s]; slotsNow[s] = is }
        lists.slotEvents.push(i)
        lists.slotsUsed.push(this.used)
      } else if (e === id['fault.begin']) {
        const space = this.spaces.at(t.pid[i], i)
        if (space === undefined || space === t.v[8 * i + 4]) this.abroad.delete(t.pid[i])
        else this.abroad.add(t.pid[i])
      } else if (e === id['vad.space']) this.spaces.put(t.v[8 * i + 2], i, t.v[8 * i])
      else if (faults[e] && t.v[8 * i + 6] !== 0 && !this.abroad.has(t.pid[i])) this.touch(i, t.v[8 * i + 6], now)
    }
    // What a frame was before its first event was so from the start.
    for (const k of this.kept) for (const f of fresh) if (k[f] === UNKNOWN) k[f] = this.first[f]
  }

  // Frames in each state, and slots in use, at the end of each column.
  fill() {
    this.series = Array.from({ length: UNKNOWN + 1 }, () => new Int32Array(this.columns))
    const counts = new Int32Array(UNKNOWN + 1)
    for (let f = 0; f < this.nframes; f++) counts[this.first[f]]++
    const now = this.first.slice()
    for (let c = 0, k = 0, m = 0; c < this.columns; c++) {
      for (; k < this.cEvent.length && this.cEvent[k] <= this.lastOf(c); k++) {
        counts[now[this.cFrame[k]]]--
        counts[now[this.cFrame[k]] = this.cTo[k]]++
      }
      for (let s = 0; s < UNKNOWN; s++) this.series[s][c] = counts[s]
      while (m < this.slotEvents.length && this.slotEvents[m] <= this.lastOf(c)) m++
      this.series[UNKNOWN][c] = m > 0 ? this.slotsUsed[m - 1] : this.usedFirst
    }
  }

  // The last event of a column of the charts, and the column of an event.
  lastOf(column) { return Math.floor((column + 1) * this.t.n / this.columns) - 1 }
  columnOf(i) { return Math.min(this.columns - 1, Math.floor((i + 1) * this.columns / Math.max(this.t.n, 1))) }

  // ---- pages of processes ----

  // A fault has named a frame for a page.
  touch(i, frame, now) {
    const { t } = this, pid = t.pid[i], vpn = Math.floor(number(t, i, 0) / 4096)
    if (frame >= this.nframes) return
    const key = pid * 2 ** 36 + vpn
    let p = this.pageAt.get(key)
    if (p === undefined) {
      p = this.pages.length
      this.pageAt.set(key, p)
      this.pages.push({ pid, vpn, frame: -1 })
    }
    const page = this.pages[p]
    if (page.frame !== frame) {
      const old = this.owners[page.frame]
      if (old?.includes(p)) old.splice(old.indexOf(p), 1)
      page.frame = frame
      ;(this.owners[frame] ??= []).push(p)
    }
    this.segment(p, i, now[frame] === UNKNOWN ? ACTIVE : now[frame])
  }

  segment(page, event, state) {
    this.lists.sPage.push(page)
    this.lists.sEvent.push(event)
    this.lists.sState.push(state)
    this.lists.sFrame.push(this.pages[page].frame)
  }

  // What happens to a frame happens to the pages that have it.
  fate(i, frame, from, to) {
    const owners = this.owners[frame]
    if (!owners || owners.length === 0) return
    const state = to === FREE || to === ZEROED ? (from === STANDBY ? OUT : GONE) : to
    for (const p of owners) this.segment(p, i, state)
    if (state < OUT) return
    for (const p of owners) this.pages[p].frame = -1
    owners.length = 0
  }

  // Moments by page: those of page p are from[p] to from[p + 1].
  bySegment() {
    const page = this.sPage, event = this.sEvent, state = this.sState, frame = this.sFrame
    const from = new Uint32Array(this.pages.length + 1)
    for (const p of page) from[p + 1]++
    for (let p = 0; p < this.pages.length; p++) from[p + 1] += from[p]
    const place = from.slice(), e = new Uint32Array(page.length), s = new Uint8Array(page.length), g = new Uint32Array(page.length)
    for (let k = 0; k < page.length; k++) {
      e[place[page[k]]] = event[k]
      g[place[page[k]]] = frame[k]
      s[place[page[k]]++] = state[k]
    }
    this.segments = { from, event: e, state: s, frame: g }
  }

  // The moment of page p that holds at event i; -1: it is not met yet, or is no page.
  momentOf(p, i) {
    const { from, event } = this.segments
    if (p < 0) return -1
    let lo = from[p], hi = from[p + 1]
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if (event[mid] > i) hi = mid
      else lo = mid + 1
    }
    return lo === from[p] ? -1 : lo - 1
  }

  pageState(p, i) {
    const k = this.momentOf(p, i)
    return k < 0 ? UNKNOWN : this.segments.state[k]
  }

  // The frame of page p at event i; -1: none.
  frameOf(p, i) {
    const k = this.momentOf(p, i)
    return k < 0 || this.segments.state[k] >= OUT ? -1 : this.segments.frame[k]
  }

  // Frames that pages of several processes have at event i: [frame, pages].
  shared(i, most = 12) {
    const by = new Map()
    for (let p = 0; p < this.pages.length; p++) {
      const f = this.frameOf(p, i)
      if (f < 0) continue
      if (by.has(f)) by.get(f).push(p)
      else by.set(f, [p])
    }
    return [...by].filter(([, pages]) => new Set(pages.map(p => this.pages[p].pid)).size > 1).slice(0, most)
  }

  // Processes with pages, most pages first.
  processes() {
    const n = new Map()
    for (const p of this.pages) n.set(p.pid, (n.get(p.pid) ?? 0) + 1)
    return [...n].sort((a, b) => b[1] - a[1]).map(([pid, pages]) => ({ pid, pages }))
  }

  pagesOf(pid) {
    return this.pages.map((p, k) => ({ ...p, k })).filter(p => p.pid === pid).sort((a, b) => a.vpn - b.vpn)
  }

  // ---- time ----

  // All that was so behind event i; -1: before the first.
  seek(i) {
    i = Math.max(-1, Math.min(this.t.n - 1, i))
    if (i < this.at || i - this.at > STEP) {
      const k = Math.floor((i + 1) / STEP)
      if (k < this.kept.length) {
        this.state.set(this.first)
        this.state.set(this.kept[k])
        this.slots.fill(0)
        this.slots.set(this.keptSlots[k])
        this.at = k * STEP - 1
      }
    }
    for (let k = above(this.cEvent, this.at); k < this.cEvent.length && this.cEvent[k] <= i; k++) this.state[this.cFrame[k]] = this.cTo[k]
    const out = idOf(this.t, 'swap.out')
    for (let k = above(this.slotEvents, this.at); k < this.slotEvents.length && this.slotEvents[k] <= i; k++) {
      const e = this.slotEvents[k], slot = slotOf(this.t, e)
      this.slots.fill(this.t.id[e] === out ? 1 : 0, slot, slot + this.t.v[8 * e + 2])
    }
    this.at = i
    return this
  }

  // How many frames are in each state now.
  counts() {
    const n = new Int32Array(UNKNOWN + 1)
    for (const s of this.state) n[s]++
    return n
  }

  // All events that name a frame.
  lifeOf(frame) {
    const { t } = this
    const at = t.kinds.map(k => k?.fields.findIndex(f => f.name === 'pfn') ?? -1)
    const life = []
    for (let i = 0; i < t.n; i++) {
      const f = at[t.id[i]]
      if (f >= 0 && t.v[8 * i + 2 * f] === frame) life.push(i)
    }
    return life
  }

  // The state of a frame at event i, from its life.
  stateOf(life, frame, i) {
    const id = idOf(this.t, 'page.state')
    for (let k = above(life, i) - 1; k >= 0; k--) if (this.t.id[life[k]] === id) return this.t.v[8 * life[k] + 2] & 0xff
    return this.first[frame]
  }

  // The next event of a kind ("fault." is a family), forwards or back; -1: none.
  next(i, kind, back = false) {
    const { t } = this
    const want = t.kinds.map(k => k && (kind === '' || (kind.endsWith('.') ? k.name.startsWith(kind) : k.name === kind)))
    for (let k = back ? i - 1 : i + 1; k >= 0 && k < t.n; k += back ? -1 : 1) if (want[t.id[k]]) return k
    return -1
  }

  // What made event i happen; -1: nothing that the trace has.
  cause(i) {
    const { t } = this, name = nameOf(t, i)
    // A read or a write has ended, or a frame is taken: since when was the page so?
    const from = t.v[8 * i + 2] >>> 8 & 0xff
    if (name === 'page.state' && t.pid[i] === 0 && from >= STANDBY && from <= READING)
      for (let k = i - 1; k >= 0; k--) if (t.id[k] === t.id[i] && t.v[8 * k] === t.v[8 * i]) return k
    let ended = false
    for (let k = i - 1; k >= 0 && i - k < 200000; k--) {
      if (t.pid[k] !== t.pid[i] || t.cpu[k] !== t.cpu[i]) continue
      const n = nameOf(t, k)
      if (n === 'fault.end') ended = true
      if (n === 'fault.begin') { if (!ended) return k; ended = false }
      else if (!ended && /^(vad\.(attach|detach|protect)|fork\.begin|ws\.(trim|out)|cache\.resize)$/.test(n) && !/^(vad|fork|ws)\./.test(name)) return k
    }
    return -1
  }
}

// An area's number stands above the index.
function slotOf(t, i) { return t.v[8 * i] & 0xfffffff }
