// SPDX-License-Identifier: BSD-2-Clause
// symbol.mjs: from a name to its lines in a source file
//
// Problem   The book shows code that moves.  Line numbers go stale at the next
//           commit; names do not, and when they do, the build must say so.
//
// Picture   "kernel/vm/fault/driver.c#vm_fault" ─→ { first, last, lines }
//
// Rules     1. The kernel writes a definition's name at the start of a line
//              and ends it with a brace in column one: that is
//              all this needs to know of C.
//           2. No such symbol, or two of them, is an error with a remedy.
import { readFileSync, existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const cache = new Map()

// In a handout the file that a lab replaces is its starter.
const starters = new Map()
function startersOf(root) {
  const labs = join(root, 'labs'), of = new Map()
  for (const lab of existsSync(labs) ? readdirSync(labs) : []) {
    const conf = join(labs, lab, 'lab.conf')
    const file = existsSync(conf) && readFileSync(conf, 'utf8').match(/^file\s+(\S+)/m)
    if (file && !of.has(`kernel/${file[1]}`)) of.set(`kernel/${file[1]}`, join(labs, lab, basename(file[1])))
  }
  return of
}

// Where the text is.
function placeOf(root, path) {
  const full = join(root, path)
  if (existsSync(full)) return full
  if (!starters.has(root)) starters.set(root, startersOf(root))
  return starters.get(root).get(path) ?? full
}

// null: no such file.  Each is read once.
export function sourceText(root, path) {
  const key = join(root, path)
  if (!cache.has(key)) {
    const full = placeOf(root, path)
    cache.set(key, existsSync(full) ? { text: readFileSync(full, 'utf8'), lines: null } : null)
  }
  return cache.get(key)?.text ?? null
}

export function sourceLines(root, path) {
  const text = sourceText(root, path)
  if (text === null) return null
  return cache.get(join(root, path)).lines ??= text.replace(/\n$/, '').split('\n')
}

function escape(s) {
  return s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

// How a definition of this name may begin, and how it ends.
// "enum:NAME" (struct:, union:, fn:) where another has the same name in that file.
function shapes(path, full) {
  const [, only, name] = full.match(/^(?:(struct|union|enum|fn):)?(.*)$/)
  const n = escape(name)
  if (only === 'fn') return [{ at: new RegExp(`^${n}\\(`), end: /^}/, up: true, not: /;\s*$/ }]
  if (only) return [{ at: new RegExp(`^${only} ${n} \\{`), end: /^}/ }]
  if (path.endsWith('.tab')) return [{ at: new RegExp(`^(?:\\d+\\s+)?${n}\\s`), one: true }]
  if (path.endsWith('.S'))
    return [
      { at: new RegExp(`^${n}:`), end: /^\s*$/, before: true },
      { at: new RegExp(`^\\s*\\.macro ${n}\\b`), end: /^\s*\.endm/ }
    ]
  return [
    { at: new RegExp(`^${n}\\(`), end: /^}/, up: true, not: /;\s*$/ },
    { at: new RegExp(`^(?:struct|union|enum) ${n} \\{`), end: /^}/ },
    { at: new RegExp(`^#define ${n}\\b`), end: /[^\\]$/ },
    { at: new RegExp(`^(?:static |const |extern )*[a-z_0-9 ]+[ *]${n}(?:\\[[^\\]]*\\])* = \\{`), end: /^}/ }
  ]
}

// The return type stands on the line above the name.
function firstLine(lines, i) {
  while (i > 0 && /^[a-zA-Z_]/.test(lines[i - 1]) && !/[;})]\s*$/.test(lines[i - 1])) i--
  return i
}

function extent(lines, i, shape) {
  if (shape.one) return [i, i]
  let last = i
  while (last < lines.length && !shape.end.test(lines[last])) last++
  if (shape.before) last--
  return [shape.up ? firstLine(lines, i) : i, last]
}

function allSources(root, dir, out) {
  for (const e of readdirSync(join(root, dir), { withFileTypes: true })) {
    const p = `${dir}/${e.name}`
    if (e.isDirectory()) allSources(root, p, out)
    else if (/\.[chS]$/.test(e.name)) out.push(p)
  }
  return out
}

function elsewhere(root, name) {
  const found = []
  for (const p of allSources(root, 'kernel', [])) {
    if (!sourceText(root, p).includes(name)) continue
    const lines = sourceLines(root, p)
    if (shapes(p, name).some(s => lines.some(l => s.at.test(l) && !(s.not && s.not.test(l))))) found.push(p)
  }
  return found
}

// { first, last, lines } with line numbers from 1, or { error, remedy }.
export function findSymbol(root, path, name) {
  const lines = sourceLines(root, path)
  if (lines === null)
    return { error: `no file ${path}`, remedy: `the symbol may have moved: grep -rn '${name}' kernel` }
  const hits = [], word = name.replace(/^\w+:/, '')
  for (const shape of shapes(path, name))
    lines.forEach((l, i) => {
      if (l.includes(word) && shape.at.test(l) && !(shape.not && shape.not.test(l))) hits.push(extent(lines, i, shape))
    })
  if (hits.length === 0) {
    const other = elsewhere(root, name)
    return {
      error: `${path} has no symbol ${name}`,
      remedy: other.length > 0
        ? `it is in ${other.join(', ')} now: change the path`
        : 'it was renamed or removed: name its successor and read the text around it again'
    }
  }
  if (hits.length > 1)
    return { error: `${path} defines ${name} ${hits.length} times`, remedy: 'name a symbol that is there once' }
  const [first, last] = hits[0]
  return { first: first + 1, last: last + 1, lines: lines.slice(first, last + 1) }
}

// The part of a symbol between two lines that match exactly once each.
export function narrow(sym, from, to) {
  let lo = 0, hi = sym.lines.length - 1
  for (const [re, which] of [[from, 'from'], [to, 'to']]) {
    if (!re) continue
    const at = sym.lines.map((l, i) => (re.test(l) ? i : -1)).filter(i => i >= 0)
    if (at.length !== 1)
      return { error: `${which}:${re} matches ${at.length} lines`, remedy: 'choose an expression that matches one line' }
    if (which === 'from') lo = at[0]
    else hi = at[0]
  }
  if (hi < lo) return { error: 'to: comes before from:', remedy: 'exchange them' }
  return { first: sym.first + lo, last: sym.first + hi, lines: sym.lines.slice(lo, hi + 1) }
}

// What a debugger can stop at: functions and labels.
export function definitions(root) {
  const names = new Set()
  for (const p of allSources(root, 'kernel', []))
    for (const l of sourceLines(root, p)) {
      const m = l.match(p.endsWith('.S') ? /^(\w+):/ : /^(\w+)\(.*[^;]$/)
      if (m && !p.endsWith('.h')) names.add(m[1])
    }
  return names
}

// Every word of the kernel's sources: what `name()` in the text may name.
export function identifiers(root) {
  const words = new Set()
  for (const p of allSources(root, 'kernel', []))
    for (const w of sourceText(root, p).match(/[A-Za-z_][A-Za-z_0-9]*/g) || []) words.add(w)
  return words
}
