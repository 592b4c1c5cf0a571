// SPDX-License-Identifier: BSD-2-Clause
// check.mjs: is the book still true, and is each chapter whole?
//
//   node book/.vitepress/book/check.mjs             all; silent but for one line
//   node book/.vitepress/book/check.mjs --accept 9  stamp chapter 9 as read again
//   node book/.vitepress/book/check.mjs --list      figures of each chapter
//   node book/.vitepress/book/check.mjs --print FILE…  pages as they are rendered
//
// Problem   Code, counters and links change under a text that does not.
//
// Picture   pages ─→ expandPage ─→ items + errors ─┐
//           excerpts.lock ── stamps ── compare ────┼─→ file:line: what (remedy)
//           lints: length, parts, links, claims ───┘
//
// Rules     1. Every finding names chapter, line and remedy.
//           2. One chapter is accepted at a time; there is no accept-all.
//           3. Needs node and nothing else.
import { readFileSync, writeFileSync, existsSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { ROOT, chapters, sources, counterNames, cutSymbols, loadAnswers, loadLock, hash, referencePages } from './data.mjs'
import { LONGEST, hardToRead, plainSentences } from './flesch.mjs'
import { expandPage, FACT, HANDOUT, MADE } from './page.mjs'
import { lifeFindings } from './life.mjs'
import { sceneFindings } from './scenes.mjs'
import { speedFindings } from './speed.mjs'
import { definitions, identifiers, sourceLines, sourceText } from './symbol.mjs'
import { definedNumbers } from './tables.mjs'

const findings = []
const say = (file, line, what, remedy) => findings.push(`${file}:${line}: ${what}\n    remedy: ${remedy}`)

const NEED = { words: [3000, 4500], excerpt: 6, figure: 3, session: 1, exercise: 5 }
// Chapters about others: of theirs no code is shown, and history does not run.
const EXEMPT = { 20: ['excerpt'], 21: ['excerpt', 'session'] }
const BOXES = ['question', 'seed', 'run', 'lab']

// ---- pages ----

function pageFiles(dir = 'book', out = []) {
  for (const e of readdirSync(join(ROOT, dir), { withFileTypes: true })) {
    if (e.name.startsWith('.') || ['node_modules', 'sessions', 'figures', 'runs', 'scenes'].includes(e.name)) continue
    if (e.isDirectory()) pageFiles(`${dir}/${e.name}`, out)
    else if (e.name.endsWith('.md') && `${dir}/${e.name}` !== 'book/README.md') out.push(`${dir}/${e.name}`)
  }
  return out
}

// What is read: no fences, comments, markers of boxes.
function prose(raw) {
  let fence = false
  return raw.split('\n').map(l => {
    if (/^```/.test(l)) { fence = !fence; return '' }
    return fence || /^(@\w+|:::\s*$)/.test(l) ? '' : l
  })
}

function countWords(lines) {
  const text = lines.join(' ').replace(/\{\{[^}]*\}\}/g, ' 1 ').replace(/\[@[^\]]*\]/g, ' ').replace(/^:::\s*\w+/gm, ' ')
  return (text.match(/[A-Za-z0-9][\w'’.-]*/g) || []).length
}

// As @mdit-vue/shared does it for VitePress.
function slug(title) {
  return title.replace(/`|\*/g, '').normalize('NFKD').replace(/[\u0300-\u036F]/g, '')
    .replace(/[\u0000-\u001f]/g, '').replace(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, '-')
    .replace(/-{2,}/g, '-').replace(/^-+|-+$/g, '').replace(/^(\d)/, '_$1').toLowerCase()
}

const pages = new Map()
for (const file of pageFiles()) {
  const raw = readFileSync(join(ROOT, file), 'utf8')
  const page = expandPage(file.replace(/^book\//, ''), raw)
  const anchors = new Set([...page.text.matchAll(/^#{1,6}\s+(.*)$/gm)].map(m => slug(m[1])))
  for (const m of page.text.matchAll(/\bid="([^"]+)"/g)) anchors.add(m[1])
  pages.set(file, { file, raw, prose: prose(raw), anchors, ...page })
}

// ---- stamps ----

const lock = loadLock()
const stampOf = it => it.hash ?? (it.value === undefined ? undefined : String(it.value).replace(/\s+/g, '_'))
const stamped = p => p.items.filter(it => ['excerpt', 'counter', 'fact', 'session', 'scene'].includes(it.kind) && stampOf(it) !== undefined)

function checkStamps(p) {
  const seen = new Set()
  const n = Number(p.chapter.replace(/\D/g, '')) || p.chapter
  for (const it of stamped(p)) {
    const key = `${p.chapter} ${it.key}`
    seen.add(key)
    const was = lock.get(key)
    const again = `read the text around it again, then make book-accept CH=${n}`
    if (was === undefined) say(p.file, it.line, `${it.key} is not stamped yet`, again)
    else if (was === stampOf(it)) continue
    else if ('value' in it) say(p.file, it.line, `${it.key} is ${it.value} now, the text was written for ${was}`, again)
    else say(p.file, it.line, `${it.kind} ${it.key} has changed since the text was read`, again)
  }
  for (const key of HANDOUT ? [] : lock.keys())
    if (key.startsWith(`${p.chapter} `) && !seen.has(key))
      say(p.file, 1, `excerpts.lock stamps ${key.slice(p.chapter.length + 1)}, which the text does not use`, `make book-accept CH=${n}`)
}

function accept(chapter) {
  const name = /^\d+$/.test(chapter) ? `ch${chapter.padStart(2, '0')}` : chapter
  const page = [...pages.values()].find(p => p.chapter === name)
  if (!page || (page.errors.length > 0 && page.errors.forEach(e => say(page.file, e.line, e.error, e.remedy)) === undefined)) {
    if (!page) findings.push(`no chapter ${name}`)
    return
  }
  for (const key of [...lock.keys()]) if (key.startsWith(`${name} `)) lock.delete(key)
  for (const it of stamped(page)) lock.set(`${name} ${it.key}`, stampOf(it))
  const head = '# What each chapter shows, as its author last read it: chapter, item, stamp.\n# Written by make book-accept CH=n; an item that differs fails make book-check.\n'
  writeFileSync(join(ROOT, 'book/excerpts.lock'), head + [...lock].map(([k, v]) => `${k} ${v}\n`).sort().join(''))
  console.log(`book: ${name} stamped, ${stamped(page).length} items`)
}

// ---- lints ----

function checkChapter(c, p) {
  const words = countWords(p.prose)
  const count = kind => p.items.filter(it => it.kind === kind).length
  if (words < NEED.words[0] || words > NEED.words[1])
    say(p.file, 1, `${words} words`, `a chapter has ${NEED.words[0]} to ${NEED.words[1]}`)
  // A handout lacks what its readers are to write.
  for (const kind of ['excerpt', 'figure', 'session', 'exercise'].slice(HANDOUT ? 1 : 0))
    if (count(kind) < NEED[kind] && !EXEMPT[c.n]?.includes(kind)) say(p.file, 1, `${count(kind)} of kind ${kind}`, `a chapter has at least ${NEED[kind]}`)
  for (const box of BOXES)
    if (!p.items.some(it => it.kind === 'box' && it.name === box)) say(p.file, 1, `no ${box} box`, `add "::: ${box}"`)
  const hard = hardToRead(p.chapter, p.raw)
  if (hard) say(p.file, 1, hard, 'shorter sentences and words; flesch.mjs -v names the hardest')
  for (const s of plainSentences(p.raw))
    if (s.n > LONGEST) say(p.file, 1, `a sentence of ${s.n} words: "${s.text.slice(0, 60)}…"`, `make two of it: at most ${LONGEST}`)
  const title = p.raw.split('\n').findIndex(l => l === `# ${c.n}. ${c.title}`)
  if (title < 0) say(p.file, 1, `no heading "# ${c.n}. ${c.title}"`, 'use the title of book/chapters.json')
  const answers = loadAnswers(p.chapter)
  const asked = new Set(p.items.filter(it => it.kind === 'exercise').map(it => it.number))
  for (const [number, a] of answers)
    if (!asked.has(number)) say(`grading/answers/${p.chapter}.md`, a.line, `answer ${number} without exercise`, 'remove it, or ask')
}

const cut = cutSymbols()
function checkSpoilers(p) {
  for (const it of p.items)
    if (it.kind === 'excerpt' && cut.has(it.name) && !it.spoiler)
      say(p.file, it.line, `${it.name} is cut by a lab`, 'show it inside "::: spoiler" only')
}

function checkFigures(p) {
  for (const it of p.items.filter(x => x.kind === 'figure'))
    for (const t of it.truths) {
      const lines = sourceLines(ROOT, t.path)
      if (lines === null) say(p.file, it.line, `figure: no file ${t.path}`, 'correct the "true:" line, and the drawing')
      else if (!lines.some(l => new RegExp(t.re).test(l)))
        say(p.file, it.line, `figure ${it.file || ''}: ${t.path} has no line like /${t.re}/`, 'draw it again as the code is now, then correct "true:"')
    }
}

function checkLinks(p) {
  p.raw.split('\n').forEach((l, i) => {
    for (const m of l.matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g)) {
      const [path, anchor] = m[1].split('#')
      if (/^[a-z]+:/.test(m[1])) {
        say(p.file, i + 1, `link to ${m[1]} in the text`, 'add it to book/sources.json and cite it as [@key]')
        continue
      }
      const file = path === '' ? p.file : posix.normalize(posix.join(posix.dirname(p.file), path))
      const target = pages.get(file)
      if (!target) say(p.file, i + 1, `broken link ${m[1]}: no page ${file}`, 'correct the path; pages end in .md')
      else if (anchor && !target.anchors.has(anchor))
        say(p.file, i + 1, `broken link ${m[1]}: no heading #${anchor}`, `its headings: ${[...target.anchors].slice(0, 12).join(' ')}`)
    }
  })
}

// Sentences with their first line, from the prose.
function* paragraphs(lines) {
  let text = '', first = 0
  for (let i = 0; i <= lines.length; i++) {
    const l = lines[i]
    if (l === undefined || l.trim() === '' || /^(:::|#|\|)/.test(l)) {
      if (text) yield { text, line: first + 1 }
      text = ''
      if (l && /^(\||:::)/.test(l)) yield { text: l, line: i + 1 }
    } else {
      if (!text) first = i
      text += (text ? ' ' : '') + l.trim()
    }
  }
}

const OTHERS = /\b(Linux|xv6|Windows|FreeBSD|NetBSD|OpenBSD|4\.4BSD|BSDs?|Pintos|Mach|Solaris|illumos|XNU|macOS|seL4|Weenix|VMS|Multics|glibc)\b/
const ABI_TALK = /\b(static |ordinary |a |same |unmodified |of |the )*Linux(?:'s)? (programs?|binar(y|ies)|ABI|(system )?calls?|numbers?|machine|documents)\b/g

function checkClaims(p) {
  // What to install there is no claim about how they are made.
  if (p.file.endsWith('appendix/h-machines.md')) return
  for (const { text, line } of paragraphs(p.prose)) {
    const talk = text.replace(ABI_TALK, '')
    const m = talk.match(OTHERS)
    if (m && !/\[@[\w-]+\]/.test(text))
      say(p.file, line, `${m[1]} is named without a source`, 'cite one: [@key] of book/sources.json')
  }
}

// A bare number in a sentence that names a counter.
function checkNumbers(p) {
  for (const { text, line } of paragraphs(p.prose))
    for (const s of text.split(/(?<=[.?!;:|])\s+/)) {
      const named = [...s.matchAll(/`([a-z_]+\.[a-z_0-9]+)`/g)].some(m => counterNames.has(m[1]))
      const rest = s.replace(/\{\{[^}]*\}\}/g, '').replace(/`[^`]*`/g, '').replace(/\[[^\]]*\]\([^)]*\)|\[@[^\]]*\]/g, '')
        .replace(/\b(sections?|chapters?|labs?|figures?|exercises?|steps?|CPU|row)\s+\d+(\.\d+)?( (and|to) \d+(\.\d+)?)?/gi, '').replace(/\*\*\d+\.\d+\*\*/g, '')
      const number = rest.match(/(?<![\w.])\d[\d,]*(?![\w.]*[A-Za-z])/)
      if (named && number)
        say(p.file, line, `the number ${number[0]} stands beside a counter in "${s.slice(0, 60)}…"`, 'take it from a run: {{counter "name" run="run/step"}}')
    }
  for (const { text: all, line } of paragraphs(p.prose)) {
    const text = all.replace(FACT, '1').replace(MADE, '1')
    const bad = text.match(/\{\{(?!counter "[^"]+" run="[^"/]+\/[^"]+"\}\}|calc "[^"]+"( digits=\d)?\}\})[^}]*\}\}/)
    if (bad) say(p.file, line, `cannot read ${bad[0]}`, 'write {{counter "name" run="run/step"}}, {{calc "…"}}, {{found "FILE" /re/}} or {{lines "FILE" /re/}}')
    for (const m of text.matchAll(/`([a-z_]+\.[a-z_0-9]+)`/g)) {
      const family = m[1].split('.')[0]
      if (!counterNames.has(m[1]) && [...counterNames].some(n => n.startsWith(`${family}.`)) && !/\.[chS]$/.test(m[1]))
        say(p.file, line, `no counter ${m[1]}`, 'see kernel/kern/events.tab for its name')
    }
  }
}

const words = identifiers(ROOT)
const files = new Set()
function listFiles(dir) {
  for (const e of readdirSync(join(ROOT, dir), { withFileTypes: true })) {
    if (e.isDirectory()) listFiles(`${dir}/${e.name}`)
    else { files.add(`${dir}/${e.name}`); files.add(`${dir}/${e.name}`.replace('kernel/', '')); files.add(e.name) }
  }
}
listFiles('kernel')

// Names in backticks: ours must exist; those of other systems stand in
// paragraphs with a source.
function checkNames(p) {
  for (const { text, line } of paragraphs(p.prose)) {
    if (/\[@[\w-]+\]/.test(text) && OTHERS.test(text)) continue
    for (const m of text.matchAll(/`([^`]+)`/g)) {
      const call = m[1].match(/^([a-z_][a-z_0-9]*)\(\)$/)
      if (call && !words.has(call[1])) say(p.file, line, `${m[1]} is nowhere in the kernel`, 'was it renamed?  grep, and read the paragraph again')
      const path = m[1].match(/^[\w/]+\.[chS]$/)
      if (path && !files.has(m[1])) say(p.file, line, `no file ${m[1]}`, 'was it moved?')
      const constant = m[1].match(/^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/)
      if (constant && !words.has(m[1])) say(p.file, line, `${m[1]} is nowhere in the kernel`, 'was it renamed?')
    }
  }
}

// One spelling for each word of ours.
const spelling = readFileSync(join(ROOT, 'book/words.txt'), 'utf8').split('\n')
  .filter(l => l && !l.startsWith('#')).map(l => l.split(' → ')).map(([wrong, right]) => [wrong, right, new RegExp(`\\b${wrong}\\b`)])
function checkSpelling(p) {
  p.prose.forEach((l, i) => {
    const text = l.replace(/`[^`]*`/g, '')
    for (const [wrong, right, found] of spelling)
      if (found.test(text)) say(p.file, i + 1, `"${wrong}"`, `the book writes "${right}"`)
  })
}

const stops = definitions(ROOT)
const COMMANDS = /^(boot|sym|break|unbreak|watch|unwatch|run|step|until|forget|let|walk|show|expect|say|mark|where|cpu|quit|#)/
function checkSessions(p) {
  for (const it of p.items.filter(x => x.kind === 'session' && x.name.endsWith('.step'))) {
    const path = join(ROOT, it.script)
    if (!existsSync(path)) continue
    let expects = 0
    readFileSync(path, 'utf8').split('\n').forEach((l, i) => {
      const w = l.trim()
      if (w === '') return
      if (!COMMANDS.test(w)) say(it.script, i + 1, `unknown command "${w.split(' ')[0]}"`, 'see design of sessions: boot break run let walk expect say …')
      expects += /^expect/.test(w)
      const b = w.match(/^(?:break|unbreak)\s+(?:phys\s+)?"(\w+)"|^expect\s+rip in "(\w+)"/)
      const name = b && (b[1] || b[2])
      if (name && !stops.has(name)) say(it.script, i + 1, `${name} is nowhere in the kernel`, 'name its successor')
    })
    if (expects < 2) say(it.script, 1, `${expects} expect lines`, 'a session states at least two facts that can be replayed')
  }
}

// What a lab's pages say of its tests, steps and hours is what its files say.
function checkLab(lab) {
  const dir = `labs/${lab}`
  const lines = path => sourceLines(ROOT, path) || []
  const conf = new Map(lines(`${dir}/lab.conf`).map(l => l.match(/^(\w+)\s+(.*)$/)).filter(m => m).map(m => [m[1], m[2]]))
  const spent = new Map(lines(`${dir}/HOURS`).map(l => l.match(/^(\w+)\s+(\d+)$/)).filter(m => m).map(m => [m[1], m[2]]))
  const cuts = new Map(lines(`${dir}/cut.list`).map(l => l.match(/^cut\s+(\w+)\s+step (\d)/)).filter(m => m).map(m => [m[1], m[2]]))
  const tests = new Map()
  for (const f of readdirSync(join(ROOT, dir, 'tests')).filter(f => f.endsWith('.test'))) {
    const t = new Map(lines(`${dir}/tests/${f}`).map(l => l.match(/^(\w+)\s+(.*)$/)).filter(m => m && /^(NAME|ID|STEP|POINTS)$/.test(m[1])).map(m => [m[1], m[2]]))
    tests.set(t.get('ID'), t)
  }
  const steps = (conf.get('steps') || '').split(' ')
  const nr = lab.slice(0, 2)

  const page = `${dir}/README.md`
  lines(page).forEach((l, i) => {
    const wrong = (what, is) => say(page, i + 1, what, `it is ${is} now: read the page again`)
    let m = l.match(/`make grade LAB=(\d\d) STEP=(\d)` → (\d+)/)
    if (m && (m[1] !== nr || m[3] !== steps[m[2] - 1])) wrong(`step ${m[2]} of lab ${m[1]} is said to end at ${m[3]}`, `${steps[m[2] - 1]} of lab ${nr}`)
    m = l.match(/^(\d\d\/t\d\d) (\S+) +(\d+)\/(\d+) +step (\d)/)
    const t = m && tests.get(m[1])
    if (m && (!t || t.get('NAME') !== m[2] || t.get('POINTS') !== m[4] || t.get('STEP') !== m[5]))
      wrong(`"${l.trim()}"`, t ? `${t.get('NAME')}, ${t.get('POINTS')} points, step ${t.get('STEP')}` : 'no test')
    m = l.match(/^not written yet: (\S+) step (\d): (\w+)/)
    if (m && (m[1] !== lab || cuts.get(m[3]) !== m[2])) wrong(`"${l}"`, `${lab} step ${cuts.get(m[3])}`)
    m = l.match(/^PANIC: (\S+?):(.*?): not true: (.*)$/)
    if (m && (/\d/.test(m[2]) || !lines(m[1]).some(x => x.includes(`(${m[3]})`)))) wrong(`"${l}"`, 'another claim, or its line has a number')
    m = l.match(/^(init: .*)$/)
    if (m && ![...files].some(f => /^kernel\/.*\.c$/.test(f) && lines(f).some(x => x.includes(`"${m[1]}`)))) wrong(`"${l}"`, 'another message')
    m = l.match(/^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [a-z]/)
    if (m && (m[4] !== conf.get('hours') || ['read', 'code', 'questions'].some((k, j) => m[j + 1] !== spent.get(k)))) wrong(`"${l}"`, `${[...spent.values()].join(', ')}, together ${conf.get('hours')}`)
    for (const f of l.matchAll(/`((?:f\d_|f_|fmo_|fork_|vad_|tour_|map_|page_|pt_|pte_|ws_|fault_|tlb_)\w+)`/g))
      if (!words.has(f[1]) && !conf.get('title').includes(f[1])) wrong(`\`${f[1]}\``, 'nowhere in the kernel')
  })

  const hints = lines(`${dir}/hints.md`).map((l, i) => [l.match(/^## (t\d\d) (\S+)/), i + 1]).filter(([m]) => m)
  for (const [m, line] of hints)
    if (tests.get(`${nr}/${m[1]}`)?.get('NAME') !== m[2]) say(`${dir}/hints.md`, line, `no test ${m[1]} ${m[2]}`, `its name is in ${dir}/tests/${m[1]}.test`)
  for (const [id, t] of tests)
    if (!hints.some(([m]) => `${nr}/${m[1]}` === id)) say(`${dir}/hints.md`, 1, `no hint for ${id} ${t.get('NAME')}`, `write "## ${id.slice(3)} ${t.get('NAME')}"`)

  const row = `| ${lab} |`, all = 'labs/README.md', at = lines(all).findIndex(l => l.startsWith(row))
  const [, , , hours, points] = (lines(all)[at] || '').split('|').map(c => c.trim())
  if (at < 0 || hours !== conf.get('hours') || points !== conf.get('steps'))
    say(all, at + 1, `the row of ${lab} says ${hours} hours, points ${points}`, `lab.conf has ${conf.get('hours')} and ${conf.get('steps')}`)
}

// Each number that the kernel's checks print, or its comments name, has its
// entry, and no entry stands for nothing.
const INVARIANTS = 'book/reference/invariants.md'
function checkInvariants() {
  const page = pages.get(INVARIANTS)
  if (!page) return say(INVARIANTS, 1, 'no page of the invariants', 'write it')
  const used = new Map()
  const uses = (name, where) => used.has(name) || used.set(name, where)
  for (const path of files) {
    if (!/^kernel\/.*\.[ch]$/.test(path)) continue
    const text = sourceText(ROOT, path)
    for (const m of text.matchAll(/\b(?:report_bad|bad_word)\([^";]*"([^" ]+)"/g)) uses(m[1], path)
    for (const m of text.matchAll(/\bI([1-9]\d?)\b/g)) uses(m[0], path)
  }
  const entries = new Map(page.raw.split('\n').map((l, i) => [l.match(/^## (?:\*\*)?([^\s*]+)/)?.[1], i + 1]).filter(([n]) => n))
  for (const [name, where] of used)
    if (!entries.has(name)) say(INVARIANTS, 1, `no entry for ${name}, which ${where} names`, `write "## **${name}** …": what it means, where to look`)
  for (const [name, line] of entries)
    if (!used.has(name)) say(INVARIANTS, line, `nothing in the kernel names ${name}`, 'remove the entry')
}

// The reference: each page is listed, each number defined once, and each of
// the programs that are named by a number has the row.
const REFERENCE = 'book/reference'
const references = [...pages.values()].filter(p => p.file.startsWith(`${REFERENCE}/`) && !p.file.endsWith('/index.md'))
const numbers = new Map()

function checkReference() {
  const listed = new Set(referencePages.map(p => `${REFERENCE}/${p.file}`))
  for (const p of references) if (!listed.has(p.file)) say(p.file, 1, 'not listed', `add it to ${REFERENCE}/pages.json`)
  for (const f of listed) if (!pages.has(f)) say(`${REFERENCE}/pages.json`, 1, `no page ${f}`, 'write it, or remove its line')
  for (const p of references)
    for (const { number, line } of definedNumbers(p.raw)) {
      const was = numbers.get(number)
      if (was) say(p.file, line, `${number} is defined a second time`, `it is in ${was.file}:${was.line}; let one of them refer to the other`)
      else numbers.set(number, { file: p.file, line })
    }
  const points = [...files].map(f => sourceText(ROOT, f)).find(t => t && /^#define INJECT_POINTS\(X\)/m.test(t))?.split('\n') || []
  for (const p of points.join(' ').matchAll(/X\((FI_\w+)\)/g))
    if (!pages.get(`${REFERENCE}/injection.md`)?.raw.match(new RegExp(`^\\|[^|]*\\b${p[1]}\\b`, 'm')))
      say(`${REFERENCE}/injection.md`, 1, `no row for ${p[1]}`, 'say what fails there')
  for (const path of files) {
    const m = path.match(/^kernel\/test\/progs\/\w+\/([abct]\d\d|d\d\d)_\w+\.c$/)
    if (!m) continue
    const name = m[1].startsWith('d') ? m[1] : m[1][0].toUpperCase() + Number(m[1].slice(1))
    if (!numbers.has(name)) say(path, 1, `no row ${name} in the reference`, `add "| **${name}** | …" to ${REFERENCE}/conformance.md`)
  }
}

// What became of each sentence of the notes: each table row says of which, by number.
function checkNotes() {
  const file = `${REFERENCE}/seeds.md`, raw = pages.get(file)?.raw ?? ''
  for (const [, note, text] of raw.matchAll(/^## \*\*(\d{3})\*\*([^]*?)(?=^## |$(?![^]))/gm)) {
    const n = Number(text.match(/^\| (\d+) sentences \|/m)?.[1]), told = new Set()
    const at = raw.slice(0, raw.indexOf(`**${note}**`)).split('\n').length
    for (const [, column, says, here] of text.matchAll(/^\| ([\d–, ]+) \|([^|]*)\|(.*)\|$/gm)) {
      if (!says.trim() || !here.trim()) say(file, at, `note ${note}, ${column}: nothing is said`, 'say what became of it, and why')
      for (const [, a, b] of column.matchAll(/(\d+)(?:–(\d+))?/g)) for (let k = Number(a); k <= Number(b ?? a); k++) told.add(k)
    }
    if (!(n > 0)) say(file, at, `note ${note}: how many sentences has it?`, 'write "| N sentences |" over the first column')
    for (let k = 1; k <= n; k++) if (!told.has(k)) say(file, at, `note ${note}: no row has sentence ${k}`, 'say what became of it, and why')
    for (const k of told) if (k > n) say(file, at, `note ${note} has no sentence ${k}`, 'count again')
  }
}

// "(book: tlb)", "Book: ch06, fault R4.": chapters, pages, what is on them.
function checkPointers() {
  const chapter = new Set(chapters.map(c => `ch${String(c.n).padStart(2, '0')}`))
  const page = new Map(references.map(p => [p.file.slice(REFERENCE.length + 1, -3), p]))
  const sections = p => new Set([...p.raw.matchAll(/^#+ (\d+)\. /gm)].map(m => m[1]))
  for (const path of treeFiles()) {
    if (!/\b[Bb]ook: /.test(sourceText(ROOT, path))) continue
    sourceLines(ROOT, path).forEach((l, i) => {
      for (const m of l.matchAll(/\b[Bb]ook: ([a-z][a-z0-9-]*(?: [A-Z]?\d+(?:\.\d+)?[a-z]?)?(?:, [a-z][a-z0-9-]*(?: [A-Z]?\d+(?:\.\d+)?[a-z]?)?)*)/g))
        for (const one of m[1].split(', ')) {
          const [name, what] = one.split(' ')
          if (name === 'chapter' || chapter.has(name)) continue
          const p = page.get(name)
          if (!p) say(path, i + 1, `"book: ${name}" leads nowhere`, `the pages: ${[...page.keys()].join(' ')}`)
          else if (what && !(numbers.get(what)?.file === p.file || sections(p).has(what)))
            say(path, i + 1, `"book: ${one}": ${p.file} defines no ${what}`, 'correct the pointer, or write what it leads to')
        }
    })
  }
}

function treeFiles(out = [], dirs = ['kernel', 'labs', 'grading', 'tools']) {
  for (const d of dirs)
    for (const e of existsSync(join(ROOT, d)) ? readdirSync(join(ROOT, d), { withFileTypes: true }) : []) {
      if (e.isDirectory()) treeFiles(out, [`${d}/${e.name}`])
      else if (/\.([chS]|awk|sh|pml|tab|mk|mjs)$|^(run|README\.md)$/.test(e.name)) out.push(`${d}/${e.name}`)
    }
  return out
}

// What a transcript repeats of its script: bstep echoes each line, the guest's
// shell each command behind a "$ ".
function scriptLines(name, raw) {
  const lines = raw.replace(/\n$/, '').split('\n')
  if (name.startsWith('guest/')) return lines.filter(l => l && !l.startsWith('#')).map(l => `$ ${l}`)
  return lines.filter(l => !/^\s*#@/.test(l)).map(l => {
    const [, text, note] = l.match(/^((?:[^"#]|"[^"]*"?)*)(?:#(.*))?$/)
    if (note === undefined) return text.trim()
    return text.trim() ? `${text.trim().padEnd(32)} # ${note.trim()}` : `# ${note.trim()}`
  })
}

// The transcript is of this script; that it is of this kernel, book/record and
// tools/sessions find out by playing it.
function checkTranscripts(p) {
  for (const it of p.items.filter(x => x.kind === 'session' && x.filled)) {
    const raw = readFileSync(join(ROOT, it.script), 'utf8')
    const out = it.script.replace(/\.\w+$/, '') + '.out'
    const is = it.name.startsWith('guest/') ? l => l.startsWith('$ ') : l => !l.startsWith('  ')
    const got = readFileSync(join(ROOT, out), 'utf8').replace(/\n$/, '').split('\n').map((l, i) => [l, i + 1]).filter(([l]) => is(l))
    const want = scriptLines(it.name, raw)
    const n = want.findIndex((l, i) => !got[i] || got[i][0] !== l)
    if (n >= 0 || got.length > want.length) {
      const [line, nr] = got[n < 0 ? want.length : n] || ['nothing', got.length]
      say(out, nr, `not of ${it.script}: recorded "${line}", the script has "${want[n] ?? 'ended'}"`, 'make book-record')
    }
  }
}

// ---- all ----

function checkAll() {
  for (const c of chapters.filter(x => x.file)) {
    const p = pages.get(`book/${c.file}`)
    if (!p) say('book/chapters.json', 1, `chapter ${c.n}: no file ${c.file}`, 'write it, or remove "file"')
    else checkChapter(c, p)
  }
  for (const p of pages.values()) {
    p.errors.forEach(e => say(p.file, e.line, e.error, e.remedy))
    for (const check of [checkStamps, checkSpoilers, checkFigures, checkLinks, checkClaims, checkNumbers, checkNames,
      checkSpelling, checkSessions, checkTranscripts]) check(p)
  }
  const scenes = new Set([...pages.values()].flatMap(p => p.items.filter(it => it.kind === 'scene').map(it => it.name)))
  for (const f of sceneFindings(scenes)) say(...f)
  for (const what of lifeFindings(join(ROOT, 'book/public/life.bin'))) say('book/public/life.bin', 1, what, 'make book-life')
  for (const [what, remedy] of speedFindings()) say('tools/bench/figures/where.tab', 1, what, remedy)
  checkInvariants()
  checkReference()
  checkNotes()
  checkPointers()
  for (const e of readdirSync(join(ROOT, 'labs'))) if (/^\d\d-/.test(e)) checkLab(e)
  const used = new Set([...pages.values()].flatMap(p => p.items.filter(it => it.kind === 'cite').map(it => it.name)))
  for (const key of Object.keys(sources))
    if (!used.has(key)) say('book/sources.json', 1, `source ${key} is cited nowhere`, 'remove it')
}

function list() {
  for (const c of chapters.filter(x => x.file)) {
    const p = pages.get(`book/${c.file}`)
    const n = k => p.items.filter(it => it.kind === k).length
    console.log(`ch${String(c.n).padStart(2, '0')} words=${countWords(p.prose)} excerpts=${n('excerpt')} figures=${n('figure')} ` +
      `sessions=${n('session')} exercises=${n('exercise')} numbers=${n('counter')} sources=${new Set(p.items.filter(i => i.kind === 'cite').map(i => i.name)).size}`)
  }
}

const [mode, ...args] = process.argv.slice(2)
if (mode === '--accept') accept(args[0] || '')
else if (mode === '--list') list()
else if (mode === '--print') args.forEach(f => console.log(`==> ${f}\n${pages.get(f).text}`))
else checkAll()
if (findings.length > 0) {
  console.log(findings.join('\n'))
  console.log(`book: ${findings.length} findings`)
  process.exit(1)
}
if (!mode) console.log(`book: ${pages.size} pages, ${[...pages.values()].reduce((s, p) => s + stamped(p).length, 0)} stamps, each as it was read`)
