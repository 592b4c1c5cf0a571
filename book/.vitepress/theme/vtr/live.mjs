// SPDX-License-Identifier: BSD-2-Clause
// live.mjs: the page's end of book/live.mjs: a trace that grows, and its machine
//
// Rules     1. What has come is shown as often as showing it costs a quarter of the time.
//           2. MOST events are enough for a page.  Then it begins anew, with what comes
//              from there on: the newest are what a reader of a running guest looks at.
//           3. Records that do not come within PATIENCE ms are lost.
import { Growing } from './replay.mjs'

const PATIENCE = 300, SOONEST = 100

const bytesOf = text => {
  const s = atob(text), bytes = new Uint8Array(s.length)
  for (let k = 0; k < s.length; k++) bytes[k] = s.charCodeAt(k)
  return bytes
}

export class Live {
  // opened(trace) at first; opened(trace, n) when the first n events of the one before are
  // no more, and the rest is this; grown() whenever there are more
  // events, machine(state) as it changes, late(ms): how long the oldest of what is new has waited.
  constructor({ opened, grown, machine, late, most = 2e6 }) {
    this.grown = grown
    this.opened = opened
    this.late = late
    this.most = most
    this.dropped = 0
    this.shown = 0
    this.pause = SOONEST
    this.lines = new EventSource('events')
    const on = (name, f) => this.lines.addEventListener(name, e => f(e.data))
    on('head', data => { this.file = new Growing(bytesOf(data).buffer); opened(this.file.t) })
    on('records', data => {
      const [written, bytes] = data.split(' ')
      this.take(bytesOf(bytes), Number(written))
    })
    on('machine', state => {
      if (state === 'ended') { this.lines.close(); this.file?.end(); this.show() }
      machine(state)
    })
    on('again', () => location.reload())
  }

  // written: when the guest's emulator wrote the last of them, by this machine's clock.
  take(bytes, written) {
    this.oldest ??= written
    const { next } = this.file
    this.file.feed(bytes)
    clearTimeout(this.waits)
    if (this.file.early.size > 0 && this.file.next === next) this.waits = setTimeout(() => { this.file.skip(); this.soon() }, PATIENCE)
    if (this.file.t.n >= this.most) this.anew()
    this.soon()
  }

  anew() {
    this.show()
    const gone = this.file.forget(this.file.t.n - Math.floor(this.most / 2))
    this.dropped += gone
    this.shown = this.file.t.n
    this.opened(this.file.t, gone)
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
    const { oldest } = this
    this.oldest = undefined
    if (oldest) requestAnimationFrame(() => this.late(Date.now() - oldest))
    this.pause = Math.max(SOONEST, 3 * (performance.now() - begun))
  }

  tell(what) { return fetch(`machine/${what}`, { method: 'POST' }) }
}
