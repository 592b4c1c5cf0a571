// SPDX-License-Identifier: BSD-2-Clause
// designs.mjs: a measure of the recorded comparison, programs down, designs across
//
// Picture   @designs MEASURE PROGRAM… ─→ designs/PROGRAM-DESIGN/MEASURE ─→ rows;
//           the least of a row is bold, unless all are within 2 %
import { lookup } from './data.mjs'
import { graphsOf } from './six.mjs'

const RUN = 'designs'
const group = v => String(v).replace(/\B(?=(\d{3})+(?!\d))/g, ',')

// { out, refs } or { error, remedy }: refs are the numbers that are shown.
export function designsTable(words) {
  const [measure, ...programs] = words.split(/\s+/)
  const designs = graphsOf('six').map(g => g.design)
  const refs = [], out = ['', `| | ${designs.map(d => `\`${d}\``).join(' | ')} |`, `|---|${designs.map(() => '--:').join('|')}|`]
  for (const p of programs) {
    const row = designs.map(d => ({ key: `${RUN}/${p}-${d}/${measure}`, ...lookup(`${RUN}/${p}-${d}/${measure}`) }))
    const bad = row.find(r => r.error)
    if (bad) return { error: `${bad.key}: ${bad.error}`, remedy: 'make compare-designs RECORD=1 writes them' }
    const values = row.map(r => r.value), least = Math.min(...values)
    const best = v => v <= 1.02 * least && values.some(x => x > 1.02 * least)
    out.push(`| \`${p}\` | ${row.map(r => best(r.value) ? `**${group(r.value)}**` : group(r.value)).join(' | ')} |`)
    refs.push(...row.map(({ key, value }) => ({ key, value })))
  }
  return { out: [...out, ''], refs }
}
