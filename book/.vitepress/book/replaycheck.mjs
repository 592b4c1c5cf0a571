// SPDX-License-Identifier: BSD-2-Clause
// replaycheck.mjs: what the viewer's replay says, beside what the kernel said
//
//   node book/.vitepress/book/replaycheck.mjs TRACE STATES
//
// STATES is what /proc/vm/framestates has printed; TRACE has a check.mark, of the number
// 2^32, at the moment of which that tells.  Each frame is compared; to and fro in time leads to the same.
// One of which no event tells must be as boot left it: FREE or WIRED.  What stands in
// STATES behind a line `maps PID` is what /proc/PID/maps has printed: the mappings, too.
// Lines of /proc/vm/shadow: the chains of objects of each mapping.
// The trace goes the way that a page's goes: packed, unpacked.
import { readFileSync } from 'node:fs'
import { pack, unpack } from '../theme/vtr/columns.mjs'
import { Chains } from '../theme/vtr/chains.mjs'
import { Mappings, rightsOf } from '../theme/vtr/vads.mjs'
import { Walks } from '../theme/vtr/walk.mjs'
import { Growing, Replay, STATES, UNKNOWN, idOf, number, parse } from '../theme/vtr/replay.mjs'

const [file, states] = process.argv.slice(2)
const bytes = readFileSync(file)
const read = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
const t = unpack(pack(read).buffer)
const r = new Replay(t)
let mark = t.n - 1
while (mark >= 0 && (t.id[mark] !== idOf(t, 'check.mark') || number(t, mark, 0) !== 2 ** 32)) mark--
const said = new Map()
for (const m of readFileSync(states, 'utf8').matchAll(/^pfn=(\d+)-(\d+) state=(\w+)$/gm))
  for (let f = Number(m[1]); f <= Number(m[2]); f++) said.set(f, m[3])
let bad = 0, told = 0
const complain = text => { if (bad++ < 10) console.log(text) }
for (const [column, each] of [['id', 1], ['cpu', 1], ['pid', 1], ['seq', 1], ['time', 1], ['v', 8]])
  for (let i = 0; i < each * read.n; i++) if (t[column][i] !== read[column][i]) complain(`${column} ${i} is ${t[column][i]} unpacked, ${read[column][i]} read`)
if (mark < 0 || said.size === 0) complain('no moment to compare')

function compare(how) {
  told = 0
  for (const [f, name] of said) {
    const s = r.state[f]
    if (s !== UNKNOWN) told++
    if (s === UNKNOWN || s === undefined ? !['FREE', 'WIRED'].includes(name) : STATES[s] !== name)
      complain(`${how}: frame ${f}: the replay says ${STATES[s] ?? 'as at boot'}, the kernel ${name}`)
  }
}
r.seek(mark)
compare('straight')
for (let k = 1; k < 60; k++) r.seek(Math.floor((k * 7919 % 60) / 60 * t.n))
r.seek(mark)
compare('to and fro')
// A file that grows ends as one that was read at once.
const growing = new Growing(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 16384))
const grown = new Replay(growing.t)
for (let at = 16384, k = 1; at < bytes.length; at += k * 7919, k++) { growing.feed(bytes.subarray(at, at + k * 7919)); grown.grow() }
growing.end()
grown.grow()
grown.seek(mark)
if (growing.t.n !== t.n) complain(`${growing.t.n} events in pieces, ${t.n} at once`)
for (let f = 0; f < r.nframes; f++) if (grown.state[f] !== r.state[f]) complain(`frame ${f} is ${grown.state[f]} in pieces, ${r.state[f]} at once`)
for (let s = 0; s <= UNKNOWN; s++) if (grown.series[s].join() !== r.series[s].join()) complain(`the chart of ${s} differs in pieces`)
for (const k of ['event', 'state', 'frame']) if (grown.segments[k].length !== r.segments[k].length || grown.segments[k].some((x, i) => x !== r.segments[k][i])) complain(`pages differ in pieces: ${k}`)
// So does one whose first half was forgotten: frames, slots, who has which frame, mappings.
const before = grown.t, gone = growing.forget(Math.floor(before.n / 2))
const half = new Replay(growing.t, grown, gone - 1)
half.seek(mark - gone)
grown.seek(mark)
if (growing.t.n !== before.n - gone || gone === 0) complain(`${growing.t.n} events behind ${gone} of ${before.n}`)
for (let f = 0; f < r.nframes; f++) if (half.state[f] !== r.state[f]) complain(`frame ${f} is ${half.state[f]} behind a half, ${r.state[f]} at once`)
for (let s = 0; s < r.nslots; s++) if (half.slots[s] !== grown.slots[s]) complain(`slot ${s} is ${half.slots[s]} behind a half, ${grown.slots[s]} at once`)
half.pages.forEach((p, k) => {
  const was = grown.frameOf(grown.pageAt.get(p.pid * 2 ** 36 + p.vpn), mark)
  if (half.frameOf(k, mark - gone) !== was) complain(`page 0x${p.vpn.toString(16)} of process ${p.pid} has frame ${half.frameOf(k, mark - gone)} behind a half, ${was} at once`)
})
// At many moments a walk from the root down ends at the word in which the page has its home.
// A space that ends gives back its tables, then, when all processors know, their pages: what
// is wrong at one moment is a finding when it is at the next, or when all is quiet.
const walks = new Walks(t), home = idOf(t, 'page.home'), homes = new Map()
let walked = 0, suspects = new Set()
function walkAll(i) {
  const wrong = new Set()
  r.pages.forEach((p, k) => {
    const f = r.frameOf(k, i), word = homes.get(f)
    if (!word) return
    const steps = walks.walk(p.pid, p.vpn * 4096, i), suspect = `${k} ${f} ${word}`
    if (steps.length === 4 && steps[3].pa === word) walked++
    else if (i < mark && !suspects.has(suspect)) wrong.add(suspect)
    else complain(`event ${i}: page 0x${p.vpn.toString(16)} of process ${p.pid}: the walk ends at ${steps.map(s => s.pa.toString(16)).join(' ')}, frame ${f} is at home in ${word.toString(16)}`)
  })
  suspects = wrong
}
for (let i = 0, next = 0; i <= mark; i++) {
  if (t.id[i] === home) homes.set(number(t, i, 0), t.v[8 * i + 5] >>> 28 === 1 ? (t.v[8 * i + 5] & 0xfffffff) * 2 ** 32 + t.v[8 * i + 4] : 0)
  if (i === Math.floor(next * mark / 30)) { walkAll(i); next++ }
}
// The mappings of processes are those of their maps.
const mappings = new Mappings(t)
let mapped = 0
for (const [, pid, maps] of readFileSync(states, 'utf8').matchAll(/^maps (\d+)\n((?:[0-9a-f]+-[0-9a-f]+ .*\n)+)/gm)) {
  const line = (start, end, rights) => `${start.toString(16)}-${end.toString(16)} ${rights}`
  const kernel = [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/gm)].map(m => line(parseInt(m[1], 16) / 4096, parseInt(m[2], 16) / 4096, m[3]))
  const ours = mappings.of(Number(pid), mark).map(v => line(v.start, v.end, rightsOf(v)))
  for (const l of kernel) if (!ours.includes(l)) complain(`process ${pid}: the kernel maps ${l}, the replay does not`)
  for (const l of ours) if (!kernel.includes(l)) complain(`process ${pid}: the replay maps ${l}, the kernel does not`)
  const later = new Mappings(growing.t, mappings, gone - 1).of(Number(pid), mark - gone)
  if (later.map(v => line(v.start, v.end, rightsOf(v))).join() !== ours.join()) complain(`process ${pid}: other mappings behind a half`)
  mapped += kernel.length
}
// The chains of objects are those of the kernel, with the children and records of each.
const chainsOf = (c, i) => c.at(i).filter(({ objects: o }) => o.length > 1 || o[0].records > 0)
  .map(({ va, space, objects }) => `${va.toString(16)} as=${space} ${objects.map(o => `${o.children}:${o.records}`).join(' ')}`)
const chains = new Chains(t), replayed = chainsOf(chains, mark)
const chained = [...readFileSync(states, 'utf8').matchAll(/^([0-9a-f]+)-[0-9a-f]+ as=(\d+) depth=\d+ chain (.*)$/gm)]
  .map(([, va, space, objects]) => `${va} as=${space} ${objects.replace(/[0-9a-f]+-[0-9a-f]+\//g, '')}`)
if (chained.length > 0) {
  for (const l of chained) if (!replayed.includes(l)) complain(`the kernel has the chain ${l}, the replay does not`)
  for (const l of replayed) if (!chained.includes(l)) complain(`the replay has the chain ${l}, the kernel does not`)
  if (chainsOf(new Chains(growing.t, chains, gone - 1), mark - gone).join() !== replayed.join()) complain('other chains behind a half')
}
// Pages of objects in chains have no home in a table.
if (walked === 0 && chained.length === 0) complain('no page was walked to')
// The charts count what the states are.
r.seek(r.lastOf(r.columns - 1))
const counts = r.counts()
STATES.forEach((name, s) => { if (counts[s] !== r.series[s][r.columns - 1]) complain(`the chart has ${r.series[s][r.columns - 1]} frames ${name}, the map ${counts[s]}`) })
// A page that has a frame is in a state in which frames have pages.
r.pages.forEach((p, k) => { const f = r.frameOf(k, t.n - 1); if (f >= 0 && r.state[f] < 2) complain(`page ${p.vpn} of process ${p.pid} has frame ${f}, which is free`) })
console.log(`replay: ${t.n} events, ${said.size} frames, ${told} of them with events, ${r.pages.length} pages of processes, ${walked} of them walked to, ${mapped} mappings, ${chained.length} chains, ${bad} differences`)
process.exit(bad > 0 ? 1 : 0)
