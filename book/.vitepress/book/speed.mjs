// SPDX-License-Identifier: BSD-2-Clause
// speed.mjs: what operations cost, and to which functions their instructions go
//
// Problem   A figure in a text is wrong after the next commit; a figure that one
//           can take apart teaches.
//
// Picture   tools/bench/figures/*.tab ─→ @speed          each operation: Linux, first, now
//                             ─→ @where zero-fill its bars, its dearest functions
//
// Rules     1. first.tab and linux.tab stand still; baseline.tab is held to the
//              kernel by make bench-check, where.tab to it by speedFindings().
import { sourceLines, identifiers } from './symbol.mjs'
import { ROOT } from './data.mjs'

const DIR = 'tools/bench/figures'
// where.tab is of a boot for each operation, baseline.tab of one for many: what the others
// leave in the lists of free frames makes an unmap dearer by a tenth.
const APART = 0.12
const escapeHtml = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const cell = s => escapeHtml(s).replace(/\|/g, '\\|')
const group = v => String(v).replace(/\B(?=(\d{3})+(?!\d)(?=\.|$))/g, ',')
const number = v => (v >= 1e7 ? `${group((v / 1e6).toFixed(1))} M` : group(v < 100 ? v.toFixed(1) : v.toFixed(0)))

const rows = file => (sourceLines(ROOT, `${DIR}/${file}`) || []).filter(l => l && !l.startsWith('#')).map(l => l.split(/\s+/))
const figures = file => new Map(rows(file).map(([op, , figure]) => [op, Number(figure)]))

const goals = (sourceLines(ROOT, `${DIR}/goals.tab`) || []).filter(l => l && !l.startsWith('#'))
  .map(l => l.match(/^(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/)).map(([, op, kind, , text]) => ({ op, kind, text }))
const [linux, first, now] = ['linux.tab', 'first.tab', 'baseline.tab'].map(figures)
const where = rows('where.tab').map(([when, op, kind, name, file, n]) => ({ when, op, kind, name, file, n: Number(n) }))

// In the order of the bars; the class is one of the theme's.
const KINDS = [
  ['bytes', 'bytes cleared, copied'], ['evidence', 'trace, counters, checks'], ['locks', 'locks'],
  ['memory', 'frames and slabs'], ['vm', 'faults, mappings, tables'], ['design', 'the design'],
  ['process', 'processes, calls'], ['files', 'files'], ['machine', 'machine'], ['program', 'the program']
]

// Each operation on Linux, in the first kernel that was measured, and now.
export function speedTable() {
  if (goals.length === 0) return { error: 'no rows of goals.tab', remedy: `see ${DIR}` }
  const out = ['', '| operation | Linux | first | now | by Linux |', '|---|---:|---:|---:|---:|']
  for (const { op, text } of goals) {
    const [l, f, n] = [linux, first, now].map(m => m.get(op))
    if (!l || !n) return { error: `${op} has no figure`, remedy: `in linux.tab and baseline.tab of ${DIR}` }
    out.push(`| \`${op}\`<br>${cell(text)} | ${number(l)} | ${f ? number(f) : 'not asked'} | ${number(n)} | ${(n / l).toFixed(2)} |`)
  }
  const mean = (m, ops) => Math.exp(ops.reduce((s, { op }) => s + Math.log(m.get(op) / linux.get(op)), 0) / ops.length).toFixed(2)
  const then = goals.filter(({ op }) => first.has(op))
  out.push('', `Geometric mean over ${then.length} operations, by those of Linux: **${mean(first, then)}** at first, **${mean(now, then)}** now; over all ${goals.length}: **${mean(now, goals)}**.`, '')
  return { out }
}

const of = (op, when) => where.filter(r => r.op === op && r.when === when)
const sum = list => list.reduce((s, r) => s + r.n, 0)

function bar(list, y, scale) {
  let x = 110
  return KINDS.map(([kind, text], i) => {
    const n = sum(list.filter(r => r.kind === kind))
    const w = n * scale
    const out = w < 0.3 ? '' : `<rect class="kind-${i}" x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="26"><title>${text}: ${number(n)}</title></rect>`
    x += w
    return out
  }).join('') + `<text x="${(x + 8).toFixed(1)}" y="${y + 18}" class="small">${number(sum(list))}</text>`
}

function drawing(op, lists, total) {
  const scale = 540 / Math.max(...lists.map(sum), total)
  const seen = KINDS.map(([kind, text], i) => ({ kind, text, i })).filter(k => lists.some(l => sum(l.filter(r => r.kind === k.kind)) * scale > 2))
  const key = seen.map(({ text, i }, k) =>
    `<rect class="kind-${i}" x="${110 + (k % 3) * 210}" y="${128 + 22 * Math.floor(k / 3)}" width="12" height="12"/>` +
    `<text x="${128 + (k % 3) * 210}" y="${139 + 22 * Math.floor(k / 3)}" class="small">${text}</text>`)
  return ['<figure class="fig">', '<div class="scroll-svg" tabindex="0">',
    `<svg viewBox="0 0 760 ${140 + 22 * Math.ceil(seen.length / 3)}" role="img" aria-label="${op}: instructions on Linux, at first and now, by what they are for">`,
    '<text x="100" y="28" class="end small">Linux</text>',
    `<rect class="box-0" x="110" y="10" width="${(total * scale).toFixed(1)}" height="26"/><text x="${(118 + total * scale).toFixed(1)}" y="28" class="small">${number(total)}</text>`,
    '<text x="100" y="66" class="end small">first</text>', bar(lists[0], 48, scale),
    '<text x="100" y="104" class="end small">now</text>', bar(lists[1], 86, scale),
    ...key, '</svg>', '</div>', '</figure>']
}

// Two lists side by side: the dearest functions at first, and those of now.
export function whereTable(op) {
  const lists = [of(op, 'first'), of(op, 'now')]
  if (lists.some(l => l.length === 0) || !linux.has(op))
    return { error: `no functions of ${op}`, remedy: `add it to ${DIR}/where.tab: make bench-where` }
  const named = lists.map(l => l.filter(r => r.name !== 'rest' && r.name !== '-').sort((a, b) => b.n - a.n).slice(0, 6))
  const out = ['', ...drawing(op, lists, linux.get(op)), '', '| first | | now | |', '|---|---:|---|---:|']
  for (let i = 0; i < Math.max(named[0].length, named[1].length); i++)
    out.push(`| ${named.map(l => (l[i] ? `\`${l[i].name}\` | ${number(l[i].n)}` : ' | ')).join(' | ')} |`)
  return { out: [...out, ''] }
}

// Does where.tab speak of this kernel?  [line, what, remedy] of each row that does not.
export function speedFindings() {
  const found = []
  const words = identifiers(ROOT)
  const again = 'make bench-where, then read appendix G again'
  for (const op of new Set(where.map(r => r.op))) {
    const n = sum(of(op, 'now')), want = now.get(op)
    if (!want || Math.abs(n - want) > APART * want + 1) found.push(`where.tab has ${number(n)} instructions for ${op}, baseline.tab ${want}`)
  }
  for (const r of where.filter(r => r.when === 'now' && !/^(rest|-)$/.test(r.name)))
    if (!words.has(r.name.replace(/\..*$/, ''))) found.push(`${r.name} of ${r.op} is nowhere in the kernel`)
  return found.map(what => [what, again])
}
