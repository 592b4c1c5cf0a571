// SPDX-License-Identifier: BSD-2-Clause
// six.mjs: one state of a scene under each design, side by side
//
//   node book/.vitepress/book/six.mjs SCENE STATE [DIR]   the panels, as a part of a page;
//                                                         DIR: the graphs, else book/scenes
//
// Problem   Six designs keep the same two pages.  Who has seen the six as boxes beside
//           each other does not forget which one counts what.
//
// Picture   book/scenes/SCENE-DESIGN.json ─→ picture() ─→ columns ─→ a panel of SVG
//             processes and what their words say │ maps, tops │ records │ frames
//
// Rules     1. Every box is an item of the graph, which the kernel's own sources made;
//              nothing is drawn because of a design's name but what its records are called.
//           2. Arrows say where a page is looked for when there is no word for it.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './data.mjs'
import { itemsOf, picture, still } from '../theme/scene/scene.mjs'

const CALLED = { fmo: ['', 'entry', 'entries'], uvm: ['amap', 'anon', 'anons'], scalux: ['amap', 'anon', 'anons'], shadow: ['object', 'record', 'records'], frames: ['', 'record', 'records'] }
const COLUMN = [[4, 88], [122, 62], [220, 74], [332, 64]] // left, width
const ROW = 22, TOP = 34

export function graphsOf(scene, dir = join(ROOT, 'book/scenes')) {
  const order = readFileSync(join(ROOT, `book/scenes/${scene}.scene`), 'utf8').match(/^designs (.*)$/m)?.[1].split(' ') ?? []
  const there = new Set(readdirSync(dir))
  return order.filter(d => there.has(`${scene}-${d}.json`)).map(d => JSON.parse(readFileSync(join(dir, `${scene}-${d}.json`), 'utf8')))
}

const many = (n, one, more) => `${n === 0 ? 'no' : n} ${n === 1 ? one : more}`

// Boxes of a column below each other: { key → { x, y, w, h } }.
function place(column, boxes, at, gap) {
  const total = boxes.reduce((s, b) => s + b.h, 0) + gap * (boxes.length - 1)
  let y = TOP + Math.max(0, (at - total) / 2)
  for (const b of boxes) {
    Object.assign(b, { x: COLUMN[column][0], w: COLUMN[column][1], y })
    y += b.h + gap
  }
}

function panel(graph, state) {
  const head = still(graph), items = itemsOf(graph, state), pic = picture(head, items)
  const [mapName, one, more] = CALLED[graph.design] ?? ['', 'record', 'records']
  const boxes = [], arrows = []
  const procs = pic.procs.filter(p => p.lives).map(p => ({ key: p.name, class: 'box-a', title: p.name, h: 24 + ROW * p.words.length, rows: p.words.map(w => ({
    key: w.key, text: w.key.slice(p.name.length), to: w.kind === 'VALID' ? items.find(i => i.startsWith(`${w.key}|`)).match(/ (P\d+)/)[1] : '–', bit: w.bits.find(b => /^[WR]$/.test(b)) ?? '' })), proc: p }))
  const maps = new Map(), records = []
  for (const p of pic.procs.filter(p => p.amap)) {
    const m = maps.get(p.amap[1]) ?? { key: p.amap[1], class: 'box-b', title: p.amap[1], note: `×${p.amap[2]}`, h: 24 + ROW * p.words.length,
      rows: p.words.map(w => ({ key: `${p.amap[1]}.${w.key.slice(p.name.length)}`, text: w.key.slice(p.name.length), to: w.entry ?? '' })) }
    if (!maps.has(m.key)) for (const w of p.words) if (w.entry) arrows.push([`${m.key}.${w.key.slice(p.name.length)}`, w.entry])
    maps.set(m.key, m)
    arrows.push([p.name, m.key])
  }
  for (const o of pic.objects) {
    const box = { key: o.key, class: 'box-b', title: o.key, note: o.children ? `×${o.children}` : '', h: 24 + ROW * head.pages, rows: Array.from({ length: head.pages }, (_, i) => {
      const r = o.records.find(x => x.page === String(i))
      return { key: `${o.key}.${i}`, text: String(i), to: r?.target ?? '–', bit: r?.unseen ? `−${r.unseen}` : '' }
    }) }
    if (o.depth === 0) maps.set(o.key, box)
    else records.push(box)
    for (const r of o.records) arrows.push([r.key, r.target])
    if (o.parent !== '-') arrows.push([o.key, o.parent])
  }
  for (const p of pic.procs.filter(p => p.top)) arrows.push([p.name, p.top])
  for (const e of pic.entries) {
    records.push({ key: e.key, class: 'box-b', title: e.key, note: `×${e.refs}`, h: 26, rows: [] })
    arrows.push([e.key, e.target])
  }
  for (const p of pic.procs.filter(p => p.lives && !p.amap && !p.top))
    for (const w of p.words) if (w.entry ?? w.target) arrows.push([w.key, w.entry ?? w.target])
  const frames = pic.frames.map(f => ({ key: f.key, class: 'box-c', title: f.key, note: f.value, h: 30, rows: [] }))
  const middle = [...maps.values()].sort((a, b) => a.key < b.key ? -1 : 1)
  const room = Math.max(...[procs, middle, records, frames].map(l => l.reduce((s, b) => s + b.h + 12, -12)), 2 * (24 + ROW * head.pages) + 20)
  ;[procs, middle, records, frames].forEach((l, i) => place(i, l, room, i === 3 ? 10 : 12))
  boxes.push(...procs, ...middle, ...records, ...frames)
  const [m, r] = graph.design === 'shadow' ? [pic.objects.length, pic.objects.reduce((s, o) => s + o.records.length, 0)] : [maps.size, records.length]
  const says = [many(frames.length, 'frame', 'frames'), m > 0 ? many(m, mapName, `${mapName}s`) : '', many(r, one, more)].filter(s => s).join(', ') + (graph.design === 'frames' ? ' of the program' : '')
  const h = TOP + room + 8
  const side = key => {
    for (const b of boxes) {
      if (b.key === key) return { l: b.x, r: b.x + b.w, y: b.rows.length ? b.y + 13 : b.y + b.h / 2 }
      const i = b.rows.findIndex(x => x.key === key)
      if (i >= 0) return { l: b.x, r: b.x + b.w, y: b.y + 24 + ROW * i + ROW / 2 - 2 }
    }
  }
  const out = [`<svg viewBox="0 0 400 ${h}" role="img" aria-label="Design ${graph.design}: ${says}">`,
    `<text class="bold" x="4" y="18">${graph.design}</text><text class="small faint end" x="396" y="18">${says}</text>`]
  for (const [from, to] of arrows) {
    const f = side(from), t = side(to)
    if (!f || !t) continue
    const bend = Math.max(14, (t.l - f.r) / 2)
    out.push(`<path class="line" d="M${f.r} ${f.y} C${f.r + bend} ${f.y} ${t.l - 6 - bend} ${t.y} ${t.l - 6} ${t.y}"/><path class="head" d="M${t.l} ${t.y} l-7 -4 v8z"/>`)
  }
  for (const b of boxes) {
    const letter = /^P/.test(b.key)
    out.push(`<rect class="${b.class}" x="${b.x}" y="${b.y}" width="${b.w}" height="${b.h}" rx="6"/>`,
      `<text class="bold small" x="${b.x + 8}" y="${b.y + (b.rows.length ? 17 : b.h / 2 + 4)}">${b.title}</text>`)
    if (b.note) out.push(`<text class="${letter ? 'bold' : 'small'} end" x="${b.x + b.w - 8}" y="${b.y + (b.rows.length ? 17 : b.h / 2 + (letter ? 5 : 4))}">${b.note}</text>`)
    b.rows.forEach((w, i) => {
      const y = b.y + 24 + ROW * i + 12
      out.push(`<text class="small faint" x="${b.x + 8}" y="${y}">${w.text}</text>`)
      if (w.to) out.push(`<text class="small" x="${b.x + 24}" y="${y}">${w.to}</text>`)
      if (w.bit) out.push(`<text class="small bold end" x="${b.x + b.w - 8}" y="${y}">${w.bit}</text>`)
    })
  }
  return [...out, '</svg>']
}

// { html } or { error, remedy }.
export function six(scene, state, dir) {
  const graphs = graphsOf(scene, dir)
  if (graphs.length === 0) return { error: `no graphs of ${scene}`, remedy: 'a scene with "designs …", then make scenes' }
  const at = graphs.map(g => g.names.find(n => n[0] === state)?.[1])
  if (at.includes(undefined)) return { error: `scene ${scene} has no name ${state}`, remedy: `its names: ${graphs[0].names.map(n => n[0]).join(' ')}` }
  return { html: ['<div class="six">', ...graphs.flatMap((g, i) => panel(g, at[i])), '</div>'] }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [scene, state, dir] = process.argv.slice(2)
  if (!state || scene === '--help') {
    console.log('six.mjs SCENE STATE [DIR]: one state of a scene under each design, as a part of a page')
    process.exit(scene === '--help' ? 0 : 2)
  }
  const made = six(scene, state, dir)
  if (made.error) { console.error(`${made.error}: ${made.remedy}`); process.exit(1) }
  console.log(made.html.join('\n'))
}
