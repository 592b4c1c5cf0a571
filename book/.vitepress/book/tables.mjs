// SPDX-License-Identifier: BSD-2-Clause
// tables.mjs: tables of the reference, made from the sources each time
//
// Problem   A table that somebody has typed is wrong after the next commit.
//           What the tree says already is not said again by hand.
//
// Picture   @struct aspace    struct aspace {…}   field, lock, meaning
//           @enum page_state  enum page_state     name, meaning
//           @transitions      legal[] of page.c   state, may become
//           @bugs kernel      heads of patches    number, bug, found by
//           @events fault     events.tab          counters of families
//           {{proof "a20_"}}  names of programs   who shows it
//           {{in "call("}}    sources             functions that call it
//
// Rules     1. A thing is looked for by its name, not by a path: files move.
//           2. What is not found is an error, but in a handout, which lacks
//              tests and planted bugs.
import { readFileSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, events, referencePages, syscalls } from './data.mjs'
import { sourceLines, sourceText } from './symbol.mjs'

const HANDOUT = process.env.BOOK_EDITION === 'handout'
const escapeHtml = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const cell = s => escapeHtml(s).replace(/\|/g, '\\|')
const code = s => `\`${s}\``

const cache = new Map()
function walk(dir, re) {
  const key = `${dir} ${re}`
  if (!cache.has(key)) {
    const out = []
    const go = d => {
      if (!existsSync(join(ROOT, d))) return
      for (const e of readdirSync(join(ROOT, d), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (e.isDirectory()) go(`${d}/${e.name}`)
        else if (re.test(e.name)) out.push(`${d}/${e.name}`)
      }
    }
    go(dir)
    cache.set(key, out)
  }
  return cache.get(key)
}

const KERNEL = /^kernel\/(?!test\/)/
const sources = () => walk('kernel', /\.[chS]$/).filter(p => KERNEL.test(p))

// ---- structs and enums ----

// { path, first, lines } of "struct name {" … "}", wherever it is.
export function findType(kind, name) {
  const at = new RegExp(`^${kind} ${name} \\{`)
  const hits = []
  for (const path of sources()) {
    if (!sourceText(ROOT, path).includes(`${kind} ${name} {`)) continue
    const lines = sourceLines(ROOT, path)
    lines.forEach((l, i) => {
      if (!at.test(l)) return
      let last = i
      while (last < lines.length && !/^}/.test(lines[last])) last++
      hits.push({ path, first: i + 1, lines: lines.slice(i, last + 1) })
    })
  }
  return hits
}

// Comments behind a declaration, or in the lines before it, as one text.
function* declarations(lines) {
  let before = '', code = '', text = '', open = false
  for (let l of lines) {
    l = l.trim()
    if (l === '') continue
    if (open) {
      text += ' ' + l.replace(/\*\/.*$/, '').replace(/^\*\s?/, '')
      if (!l.includes('*/')) continue
      open = false
    } else {
      const at = l.indexOf('/*')
      code = (code + ' ' + (at < 0 ? l : l.slice(0, at))).trim()
      text = at < 0 ? '' : l.slice(at + 2).replace(/\*\/.*$/, '')
      if (at >= 0 && !l.includes('*/', at)) { open = true; continue }
    }
    text = text.replace(/\s+/g, ' ').trim()
    if (code === '') { before = before ? `${before} ${text}` : text; continue }
    const unclosed = code.split('(').length > code.split(')').length
    if (unclosed || (!/[;,{}]$/.test(code) && !/^[A-Z_0-9]+$/.test(code))) { before = [before, text].filter(x => x).join(' '); continue }
    yield { code, text: [text, before].filter(x => x).join('; ') }
    code = before = ''
  }
}

const TAGS = /^((?:\[[\w]+\]\s*)+)/

export function structTable(name) {
  const hits = findType('struct', name)
  if (hits.length !== 1) return { error: `${hits.length} definitions of struct ${name}`, remedy: 'name a struct that the kernel defines once' }
  const [{ path, first, lines }] = hits
  const rows = []
  const inside = []
  for (const d of declarations(lines.slice(1, -1))) {
    if (/\{$/.test(d.code)) { inside.push(d.code.replace(/\s*\{$/, '')); continue }
    const end = d.code.match(/^}\s*(\w*)(\[\w+\])?;?$/)
    if (end) {
      inside.pop()
      if (end[1]) rows.filter(r => r.depth === inside.length + 1 && !r.named).forEach(r => { r.name = r.name.map(n => `${end[1]}.${n}`); r.named = true })
      for (const r of rows) if (r.depth > inside.length && r.named) { r.depth = inside.length; r.named = false }
      continue
    }
    const decl = d.code.replace(/;$/, '')
    const fn = decl.match(/\(\*(\w+)\)\s*\(/)
    const names = fn ? [fn[1]] : decl.split(',').map(x => x.replace(/\[.*$/, '').match(/(\w+)\s*$/)?.[1]).filter(x => x)
    const tag = d.text.match(TAGS)
    rows.push({
      name: names, depth: inside.length, tag: tag ? tag[1].replace(/\s+/g, '') : '',
      text: (tag ? d.text.slice(tag[1].length) : d.text).replace(/^[:;]\s*/, ''), type: fn ? '' : decl.replace(/\s+/g, ' ')
    })
  }
  const text = r => (r.text ? cell(r.text) : r.type ? code(r.type.replace(/\|/g, '\\|')) : '')
  const tags = rows.some(r => r.tag)
  const out = ['', `<p class="src-of"><a href="../src/${path}.html#L${first}" target="_blank" rel="noreferrer">${path}</a> <code>struct ${name}</code></p>`,
    '', tags ? '| field | lock | meaning |' : '| field | meaning |', tags ? '|---|---|---|' : '|---|---|']
  for (const r of rows) {
    const names = r.name.map(code).join(', ')
    out.push(tags ? `| ${names} | ${cell(r.tag)} | ${text(r)} |` : `| ${names} | ${text(r)} |`)
  }
  return { out: [...out, ''], path }
}

export function enumTable(name) {
  const hits = findType('enum', name)
  if (hits.length !== 1) return { error: `${hits.length} definitions of enum ${name}`, remedy: 'name an enum that the kernel defines once' }
  const [{ path, first, lines }] = hits
  const body = lines.join('\n').replace(/^[^{]*\{/, '{').split('\n')
  const out = ['', `<p class="src-of"><a href="../src/${path}.html#L${first}" target="_blank" rel="noreferrer">${path}</a> <code>enum ${name}</code></p>`,
    '', '| name | meaning |', '|---|---|']
  const rest = [body[0].slice(1), ...body.slice(1, -1)]
  for (const d of declarations(rest.map(l => (/^\s*[A-Z_0-9 =]+\s*(\/\*.*)?$/.test(l) && l.trim() ? l.replace(/(\s*)(\/\*.*)?$/, ',$1$2') : l)))) {
    const names = d.code.split(',').map(x => x.trim()).filter(x => x && !/_(COUNT|NSTATES)$/.test(x))
    if (names.length > 0) out.push(`| ${names.map(code).join(', ')} | ${cell(d.text)} |`)
  }
  return { out: [...out, ''], path }
}

// ---- page states ----

export function transitionTable() {
  for (const path of sources().filter(p => /\/page\.c$/.test(p))) {
    const text = sourceLines(ROOT, path).join('\n')
    const m = text.match(/legal\[PG_NSTATES\] = \{([\s\S]*?)\n\};/)
    if (!m) continue
    const out = ['', '| from | may become | rows below |', '|---|---|---|']
    for (const e of m[1].matchAll(/\[PG_(\w+)\] = ([^[]*?),\s*(?:\/\* ([\d ]+) \*\/)/g)) {
      const to = [...e[2].matchAll(/TO\((\w+)\)/g)].map(x => x[1])
      out.push(`| ${e[1]} | ${to.join(', ') || 'nothing'} | ${e[3]} |`)
    }
    return { out: [...out, ''], path }
  }
  return { error: 'no table legal[] of page states', remedy: 'where is it now?  see findType of tables.mjs' }
}

// ---- counters ----

export function eventTable(families) {
  const rows = events.filter(e => families.some(f => e.name === f || e.name.startsWith(`${f}.`)) && e.kind !== 'trace')
  if (rows.length === 0) return { error: `no counters of ${families.join(' ')}`, remedy: 'see kernel/kern/events.tab' }
  return {
    out: ['', '| counter | kind | case | meaning |', '|---|---|---|---|',
      ...rows.map(e => `| \`${e.name}\` | ${e.kind === 'gauge' || e.kind === 'sum' ? e.kind : 'count'}${e.flags.includes('p') ? ', per process' : ''} | ${e.fcase} | ${cell(e.text)} |`), '']
  }
}

// ---- planted bugs ----

const head = path => {
  const text = readFileSync(join(ROOT, path), 'utf8').split(/^--- /m)[0].split('\n')
  const of = k => text.find(l => l.startsWith(`${k}:`))?.slice(k.length + 1).trim()
  return { what: text[0], by: of('Tests') || of('Pairs'), survives: of('Survives'), lab: of('Lab') }
}

function bugRows(dir, found) {
  return walk(dir, /^(m?\d+)(-.*)?\.patch$/).map(path => {
    const n = path.match(/\/(m?\d+)[^/]*$/)[1]
    return { key: n.replace(/^0+/, ''), order: Number(n.replace(/\D/g, '')), path, found, ...head(path) }
  })
}

// The bank of the kernel, or of a lab: "kernel", "01-vad".
export function bugTable(which) {
  const rows = which === 'kernel'
    ? [...bugRows('grading/mutants/kernel', 'a program'), ...bugRows('kernel/test/sim/bugs', 'vmsim')]
    : bugRows(`grading/mutants/${which}`, 'its tests')
  if (rows.length === 0)
    return HANDOUT ? { out: ['', 'Not part of the handout.', ''] } : { error: `no planted bugs of ${which}`, remedy: 'see grading/mutants' }
  rows.sort((a, b) => a.order - b.order)
  const kernel = which === 'kernel'
  return {
    out: ['', kernel ? '| number | bug | found by |' : '| number | bug |', kernel ? '|---|---|---|' : '|---|---|',
      ...rows.map(r => kernel
        ? `| <a id="b${r.key}"></a>**b${r.key}** | ${cell(r.what)} | ${r.by ? `${r.found === 'vmsim' ? 'vmsim: ' : ''}${r.by.split(/\s+/).map(code).join(', ')}` : ''}${r.survives ? `nobody: ${cell(r.survives)}` : ''}${r.lab ? `; lab ${cell(r.lab)}` : ''} |`
        : `| ${r.key} | ${cell(r.what)} |`), '']
  }
}

// The planted bugs of a model, from its header.
export function modelTable() {
  const models = walk('kernel/test/models', /\.pml$/)
  if (models.length === 0)
    return HANDOUT ? { out: ['', 'Not part of the handout.', ''] } : { error: 'no models', remedy: 'see kernel/test/models' }
  const out = ['', '| model | bug | what is wrong |', '|---|---|---|']
  for (const path of models) {
    const name = path.match(/(\w+)\.pml$/)[1]
    const text = readFileSync(join(ROOT, path), 'utf8').split('*/')[0]
    for (const m of text.matchAll(/\bBUG(\d+)\s+((?!\))[^\n]*?)(?=\s+BUG\d|\n)/g))
      if (!/^(needs|\.\.\.|-)/.test(m[2])) out.push(`| ${name} | BUG${m[1]} | ${cell(m[2].replace(/\s*\(text before[^)]*\)/, '').trim())} |`)
  }
  return { out: [...out, ''] }
}

// ---- options ----

export function optionTable() {
  const path = sources().find(p => /\/options\.c$/.test(p))
  const rows = [...sourceLines(ROOT, path).join('\n').matchAll(/^\t\{ "(\w+)", (NULL|"[^"]*"), "([^"]*)" \}/gm)]
  return { out: ['', '| option | default | meaning |', '|---|---|---|', ...rows.map(m => `| \`${m[1]}\` | ${m[2] === 'NULL' ? '' : code(m[2].slice(1, -1))} | ${cell(m[3])} |`), ''] }
}

// ---- answers of the calls ----

const ANSWERS = 'kernel/test/errors'
const noTests = () => (HANDOUT ? { out: ['', 'Not part of the handout.', ''] } : { error: 'no tables of answers', remedy: `see ${ANSWERS}` })

// The rows of a file, folded: "mm memory".
export function answerTable(words) {
  const [name] = words.split(/\s+/)
  const lines = sourceLines(ROOT, `${ANSWERS}/${name}.rows`)
  if (lines === null) return noTests()
  const rows = lines.filter(l => l && !l.startsWith('#')).length
  return { out: ['', '<details>', `<summary>${rows} rows of <code>${ANSWERS}/${name}.rows</code></summary>`, '', '```txt', ...lines, '```', '', '</details>', ''] }
}

// What we answer otherwise, on purpose: a reason above each group of rows.
export function exceptionTable() {
  const lines = sourceLines(ROOT, `${ANSWERS}/exceptions`)
  if (lines === null) return noTests()
  const groups = []
  let reason = '', n = 0
  for (const l of [...lines.slice(1), '']) {
    if (l.startsWith('#')) reason += ` ${l.slice(1).trim()}`
    else if (l) n++
    else { if (n) groups.push([reason.trim(), n]); reason = ''; n = 0 }
  }
  return { out: ['', '| what | rows |', '|---|---|', ...groups.map(([r, k]) => `| ${cell(r)} | ${k} |`), ''] }
}

const provided = new Set(syscalls.map(([, name]) => name))

// Names of calls; those without a row of syscalls.tab are struck out.
export function callList(text) {
  return { out: text.split(/\s+/).map(n => (provided.has(n) ? code(n) : `~~${n}~~`)).join(' ') }
}

// ---- /proc ----

// Rows { "meminfo", 0444, .show = … of /proc and { .name = "maps", .mode = 0444, … of /proc/PID.
export function procTable(which) {
  const re = which === 'PID' ? /\{ \.name = "(\w+)",\s*\.mode = (0\d{3})/g : /\{ "([\w/-]+)", (0\d{3}), \.\w+ =/g
  const rows = []
  for (const path of sources().filter(p => /\/(proc|fs|dev)\/\w+\.c$/.test(p)))
    for (const m of sourceLines(ROOT, path).join('\n').matchAll(re)) rows.push(m)
  if (rows.length < 10) return { error: `${rows.length} files of /proc`, remedy: 'have their tables another form?' }
  const by = new Map()
  for (const [, name, mode] of rows) by.set(mode, [...(by.get(mode) || []), name])
  return { out: ['', '| mode | files |', '|---|---|', ...[...by].map(([m, names]) => `| ${m} | ${names.sort().map(code).join(' ')} |`), ''] }
}

// ---- within a line ----

// Programs and cases whose name begins so.
export function proofs(prefix) {
  const names = [...walk('kernel/test/progs', /\.c$/), ...walk('kernel/test/cases', /\.sh$/)]
    .map(p => p.match(/([^/]+)\.(?:c|sh)$/)[1]).filter(n => n.startsWith(prefix))
  if (names.length > 0) return { out: names.map(code).join(', ') }
  return HANDOUT ? { out: '' } : { error: `no test program ${prefix}*`, remedy: 'was it renamed, or removed?' }
}

// Functions of the kernel in which a text occurs.
export function places(text) {
  const found = new Set()
  for (const path of sources().filter(p => p.endsWith('.c') && sourceText(ROOT, p).includes(text))) {
    let name = ''
    for (const l of sourceLines(ROOT, path)) {
      const m = l.match(/^(\w+)\(/)
      if (m) name = m[1]
      if (l.includes(text) && name) found.add(name)
    }
  }
  if (found.size > 0) return { out: [...found].map(n => code(`${n}()`)).join(', ') }
  return HANDOUT ? { out: '' } : { error: `no function of the kernel has "${text}"`, remedy: 'was it renamed?' }
}

export function referenceList(up) {
  return ['', '| page | what it says |', '|---|---|', ...referencePages.map(p => `| [${p.title}](${up}reference/${p.file}) | ${p.says} |`), '']
}

// Every definition: a bold number at the begin of a heading, a row or an item.
export function definedNumbers(raw) {
  const out = []
  raw.split('\n').forEach((l, i) => {
    const m = l.match(/^(?:#+ |\| |- )?(?:<a id="[^"]*"><\/a>)?\*\*([A-Za-z]{0,2}\d+(?:\.\d+)?[a-z]?)\*\*/)
    if (m) out.push({ number: m[1], line: i + 1 })
  })
  return out
}
