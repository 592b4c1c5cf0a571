// SPDX-License-Identifier: BSD-2-Clause
// curves.mjs: notes of a recorded run, drawn over the number in their names
//
// Picture   @curves RUN/STEP NAME… ─→ notes NAME_16, NAME_24 … of that step ─→ SVG
import { loadRun } from './data.mjs'

const LINES = ['line-a', 'line-b', 'line-c', 'line', 'line-b dash', 'line dash']
const [LEFT, TOP, WIDTH, HEIGHT] = [70, 20, 640, 260]

// { svg, refs } or { error, remedy }: refs are the numbers that were drawn.
export function curves(where, names) {
  const [run, step] = where.split('/')
  const notes = loadRun(run)?.get(step)
  const rows = names.map(name => [...notes ?? []].map(([k, v]) => [k.match(/^(.*)_(\d+)$/), k, v])
    .filter(([m]) => m && m[1] === name).map(([m, k, v]) => ({ x: Number(m[2]), y: Number(v), ref: `${where}/${k}` })).sort((a, b) => a.x - b.x))
  if (rows.length === 0 || rows.some(r => r.length < 2)) return { error: `no curve of ${where} for ${names.join(' ')}`, remedy: 'notes NAME_1, NAME_2 … of a run' }
  const all = rows.flat(), lo = Math.min(...all.map(p => p.x)), hi = Math.max(...all.map(p => p.x))
  const step10 = 10 ** Math.floor(Math.log10(Math.max(...all.map(p => p.y)))), top = Math.ceil(Math.max(...all.map(p => p.y)) / step10) * step10
  const px = x => (LEFT + (x - lo) / (hi - lo) * WIDTH).toFixed(1), py = y => (TOP + HEIGHT - y / top * HEIGHT).toFixed(1)
  const ticks = [0, 1, 2, 3, 4].map(i => top * i / 4)
  const svg = [`<svg viewBox="0 0 760 360" role="img" aria-label="Faults over frames for ${names.join(', ')}">`,
    ...ticks.map(t => `<path class="grid" d="M${LEFT} ${py(t)} H${LEFT + WIDTH}"/><text class="small end" x="${LEFT - 8}" y="${Number(py(t)) + 4}">${t}</text>`),
    ...rows[0].map(p => `<text class="small mid" x="${px(p.x)}" y="${TOP + HEIGHT + 20}">${p.x}</text>`),
    ...rows.map((r, i) => `<polyline class="${LINES[i % LINES.length]}" points="${r.map(p => `${px(p.x)},${py(p.y)}`).join(' ')}"><title>${names[i]}</title></polyline>`),
    ...names.map((n, i) => `<path class="${LINES[i % LINES.length]}" d="M${LEFT + i * 110} 340 h30"/><text class="small" x="${LEFT + 36 + i * 110}" y="344">${n}</text>`), '</svg>']
  return { svg, refs: all.map(p => ({ key: p.ref, value: p.y })) }
}
