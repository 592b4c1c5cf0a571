// SPDX-License-Identifier: BSD-2-Clause
// words.mjs: an event as a sentence
import { STATES, nameOf, number, whole } from './replay.mjs'

const MOVES = {
  'FREE LIMBO': 'is given out', 'ZEROED LIMBO': 'is given out, all zeros', 'FREE ZEROED': 'has been cleared', 'ZEROED FREE': 'is free',
  'LIMBO ACTIVE': 'holds a page now', 'LIMBO READING': 'is being filled from a disk', 'READING STANDBY': 'has been read',
  'ACTIVE MODIFIED': 'leaves the working set with bytes that no disk has: it waits to be written', 'ACTIVE STANDBY': 'leaves the working set; a disk has its bytes',
  'MODIFIED ACTIVE': 'is used again before it is written', 'STANDBY ACTIVE': 'is used again: a soft fault, and no disk is asked',
  'MODIFIED STANDBY': 'has been written', 'MODIFIED MODIFIED': 'could not be written, and waits again', 'STANDBY FREE': 'is taken from its page, whose bytes are on disk',
  'LIMBO FREE': 'is free', 'ACTIVE LIMBO': 'is given up by its owner', 'STANDBY LIMBO': 'is given up by its owner', 'MODIFIED LIMBO': 'is given up by its owner',
  'FREE WIRED': 'is the kernel’s own', 'LIMBO WIRED': 'is the kernel’s own', 'WIRED FREE': 'is given back by the kernel', 'WIRED ZEROED': 'is given back by the kernel, cleared'
}
const HOMES = ['nobody', 'the word of a page table', 'an entry of a fork', 'an object', 'a file', 'a table: it is a page table', 'paged kernel memory', 'an anon', 'an object of shadow', 'a frame', 'the kernel', 'I/O', 'an anon of scalux']
const hex = v => '0x' + v.toString(16)

const WORDS = ['it is on its way out: frame', 'a disk reads or writes it: frame', 'it is on swap: slot', 'an entry of a fork has it:', 'it could not be read:']

// What a word of a page table says, as pte.h has its bits.
export function wordOf(w) {
  if (w === 0n) return 'there is no page'
  if ((w & 1n) === 1n) return `it is mapped, ${w & 2n ? 'to read and to write' : 'to read'}: frame ${w >> 12n & 0xffffffffffn}`
  const kind = WORDS[Number(w >> 1n & 7n) - 1]
  return kind ? `${kind} ${w >> 12n}` : hex(w)
}

const homeOf = v => HOMES[Number(v >> 60n)] ?? 'somebody'

const pages = (k, how, word) => {
  const slot = word & 0xfffffff
  return k === 1 ? `A page is ${how} swap, slot ${slot}; it` : `${k} pages are ${how} swap, from slot ${slot} on; the first`
}

// texts: of each event, from kern/events.tab.
export function say(t, i, texts = {}) {
  const name = nameOf(t, i), n = k => number(t, i, k)
  switch (name) {
    case 'page.state': {
      const move = `${STATES[n(1) >>> 8 & 0xff]} ${STATES[n(1) & 0xff]}`
      return `Frame ${n(0)} ${MOVES[move] ?? `goes from ${move.replace(' ', ' to ')}`}.`
    }
    case 'page.home': return `Frame ${n(0)} belongs to ${homeOf(whole(t, i, 2))} now; before, to ${homeOf(whole(t, i, 1))}.`
    case 'page.word': return `A word of a page table said “${wordOf(whole(t, i, 1))}” and now says “${wordOf(whole(t, i, 2))}”.`
    case 'page.pin': return `Frame ${n(0)} is pinned: it may not leave memory.`
    case 'page.unpin': return `A pin of frame ${n(0)} is given back; ${n(1)} left.`
    case 'fault.begin': return `A fault at ${hex(n(0))} begins.`
    case 'fault.end': return `The fault ends${n(1) > 0 ? `, begun again ${n(1) === 1 ? 'once' : `${n(1)} times`}` : ''}.`
    case 'swap.out': return `${pages(n(1), 'written to', n(0))} is in frame ${n(2)}.`
    case 'swap.in': return `${pages(n(1), 'read from', n(0))} comes into frame ${n(2)}.`
    case 'swap.free': return `Slot ${n(0) & 0xfffffff} is free again.`
  }
  const text = texts[name]?.text ?? ''
  if (name.startsWith('fault.') && t.kinds[t.id[i]].fields.length === 4)
    return `Page ${hex(Math.floor(n(0) / 4096))} of process ${t.pid[i]}${n(3) ? `, frame ${n(3)}` : ''}: ${text.replace(/^[A-Z]\d+\w*: /, '')}.`
  const fields = (t.kinds[t.id[i]]?.fields ?? []).map((f, k) => `${f.name} ${f.hex ? '0x' + whole(t, i, k).toString(16) : n(k)}`).join(', ')
  return `${text ? text[0].toUpperCase() + text.slice(1) : name}${fields ? ` (${fields})` : ''}.`
}
