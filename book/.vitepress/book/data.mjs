// SPDX-License-Identifier: BSD-2-Clause
// data.mjs: what the text may draw from: chapters, runs, counters, sources
//
// Rules     1. A run is book/runs/NAME.counters: lines "step name value", as
//              `make book-record` wrote them.  Nobody edits them by hand.
//           2. What a chapter has used is stamped in book/excerpts.lock.
import { readFileSync, existsSync, readdirSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = process.env.BOOK_ROOT || join(dirname(fileURLToPath(import.meta.url)), '../../..')

const read = path => readFileSync(join(ROOT, path), 'utf8')

export function hash(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export const parts = JSON.parse(read('book/chapters.json'))
export const chapters = parts.flatMap(p => p.chapters.map(c => ({ ...c, part: p })))
// The reference: { file, title, says }, in the order of the side bar.
export const referencePages = JSON.parse(read('book/reference/pages.json'))
export const sources = JSON.parse(read('book/sources.json'))

// events.tab: one object per row.
export const events = read('kernel/kern/events.tab').split('\n')
  .filter(l => l && !l.startsWith('#'))
  .map(l => {
    const [name, kind, flags, args, id, fcase, chapter, ...text] = l.trim().split(/\s+/)
    return { name, kind, flags, args, id, fcase, chapter, text: text.join(' ') }
  })
export const counterNames = new Set(events.filter(e => e.kind !== 'trace').map(e => e.name))

export const syscalls = read('kernel/sys/syscalls.tab').split('\n')
  .filter(l => /^\d/.test(l))
  .map(l => l.trim().split(/\s+/))

const runs = new Map()

// step → name → value of a recorded run; null: there is none.
export function loadRun(name) {
  const path = `book/runs/${name}.counters`
  if (!runs.has(name)) {
    if (!existsSync(join(ROOT, path))) return null
    const steps = new Map()
    for (const l of read(path).split('\n')) {
      const [step, counter, value] = l.split(' ')
      if (!value) continue
      if (!steps.has(step)) steps.set(step, new Map())
      steps.get(step).set(counter, Number(value))
    }
    runs.set(name, steps)
  }
  return runs.get(name)
}

// "run/step/name" → { value } or { error, remedy }.  Not moved: 0.
export function lookup(ref) {
  const [run, step, name] = ref.split('/')
  const steps = loadRun(run)
  if (steps === null)
    return { error: `no recorded run ${run}`, remedy: `write book/runs/${run}.c, then make book-record` }
  if (!steps.has(step))
    return { error: `run ${run} has no step ${step}`, remedy: `its steps: ${[...steps.keys()].join(' ')}` }
  const value = steps.get(step).get(name)
  if (name.includes('.') ? !counterNames.has(name) : value === undefined)
    return { error: `no counter ${name} in events.tab, no note of run ${run}`, remedy: 'see kernel/kern/events.tab for its name' }
  return { value: value ?? 0 }
}

// What the labs cut: excerpts of it may stand in spoilers only.  A lab's own
// cut.list decides; where there is none yet, chapters.json says what is planned.
export function cutSymbols() {
  const cut = new Set()
  const seen = new Set()
  const labs = join(ROOT, 'labs')
  for (const lab of existsSync(labs) ? readdirSync(labs) : []) {
    const list = join(labs, lab, 'cut.list')
    if (!existsSync(list)) continue
    seen.add(lab)
    for (const l of readFileSync(list, 'utf8').split('\n')) {
      const m = l.match(/^(?:cut|drop)\s+(\w+)/)
      if (m) cut.add(m[1])
    }
  }
  for (const c of chapters)
    if (c.cut && !seen.has(c.lab)) c.cut.forEach(s => cut.add(s))
  return cut
}

export function loadAnswers(chapter) {
  const path = `grading/answers/${chapter}.md`
  const answers = new Map()
  if (!existsSync(join(ROOT, path))) return answers
  let number = null
  read(path).split('\n').forEach((l, i) => {
    const m = l.match(/^## (\d+\.\d+)\s*$/)
    if (m) answers.set((number = m[1]), { text: '', line: i + 1 })
    else if (number) answers.get(number).text += l + '\n'
  })
  return answers
}

export function loadLock() {
  const lock = new Map()
  if (!existsSync(join(ROOT, 'book/excerpts.lock'))) return lock
  for (const l of read('book/excerpts.lock').split('\n')) {
    const m = l.match(/^(\S+) (.+) (\S+)$/)
    if (m && !l.startsWith('#')) lock.set(`${m[1]} ${m[2]}`, m[3])
  }
  return lock
}
