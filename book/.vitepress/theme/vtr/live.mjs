// SPDX-License-Identifier: BSD-2-Clause
// live.mjs: the page's end of book/live.mjs: a trace that grows, and its machine
//
// Rules     1. What has come is shown as often as showing it costs a quarter of the time.
//           2. MOST events are enough for a page; it says so, and takes no more.
//           3. Records that do not come within PATIENCE ms are lost.
import { Growing } from './replay.mjs'

const MOST = 2e6, PATIENCE = 300, SOONEST = 100

const bytesOf = text => {
  const s = atob(text), bytes = new Uint8Array(s.length)
  for (let k = 0; k < s.length; k++) bytes[k] = s.charCodeAt(k)
  return bytes
}

export class Live {
  // opened(trace) once, grown() whenever there are more events, machine(state) as it changes.
  constructor({ opened, grown, machine }) {
    this.grown = grown
    this.shown = 0
    this.pause = SOONEST
    this.full = false
    this.lines = new EventSource('events')
    const on = (name, f) => this.lines.addEventListener(name, e => f(e.data))
    on('head', data => { this.file = new Growing(bytesOf(data).buffer); opened(this.file.t) })
    on('records', data => this.take(bytesOf(data)))
    on('machine', state => {
      if (state === 'ended') { this.lines.close(); this.file?.end(); this.show() }
      machine(state)
    })
    on('again', () => location.reload())
  }

  take(bytes) {
    if (this.full) return
    const { next } = this.file
    this.file.feed(bytes)
    clearTimeout(this.waits)
    if (this.file.early.size > 0 && this.file.next === next) this.waits = setTimeout(() => { this.file.skip(); this.soon() }, PATIENCE)
    if (this.file.t.n >= MOST) { this.full = true; this.lines.close() }
    this.soon()
  }

  soon() {
    this.timer ??= setTimeout(() => this.show(), this.pause)
  }

  show() {
    clearTimeout(this.timer)
    this.timer = undefined
    if (!this.file || this.file.t.n === this.shown) return
    const begun = performance.now()
    this.shown = this.file.t.n
    this.grown()
    this.pause = Math.max(SOONEST, 3 * (performance.now() - begun))
  }

  tell(what) { return fetch(`machine/${what}`, { method: 'POST' }) }
}
