// SPDX-License-Identifier: BSD-2-Clause
// page.mjs: a chapter as written → the Markdown that VitePress renders
//
// Problem   Code, numbers, transcripts and answers live elsewhere; the text
//           only names them.  The build and the check must read it alike.
//
// Picture   lines ─→ fences   ```@src  ```@session  ```@figure  ```@scene
//                    boxes    ::: question seed run lab exercise spoiler note
//                    inline   {{counter …}} {{calc …}} [@source] @contents
//                  ─→ { text, items, errors }
//
// Rules     1. Every item knows its line in the file as written.
//           2. An item that cannot be filled is an error, never a blank.
//           3. In the handout spoilers and answers are left out.
import { readFileSync, existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { ROOT, chapters, hash, lookup, sources, loadAnswers, parts, events, syscalls } from './data.mjs'
import { findSymbol, narrow, sourceLines } from './symbol.mjs'
import { curves } from './curves.mjs'
import { designsTable } from './designs.mjs'
import { graphsOf, six } from './six.mjs'
import { transcript } from './transcript.mjs'
import { speedTable, whereTable } from './speed.mjs'
import { still, stepsTo, variantOf } from '../theme/scene/scene.mjs'
import { answerTable, bugTable, callList, enumTable, exceptionTable, eventTable, modelTable, optionTable, places, procTable, proofs, referenceList, structTable, transitionTable } from './tables.mjs'

export const MAX_EXCERPT = 45
export const HANDOUT = process.env.BOOK_EDITION === 'handout'

export const escapeHtml = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const inline = s => escapeHtml(s).replace(/`([^`]+)`/g, '<code v-pre>$1</code>').replace(/\*([^*]+)\*/g, '<em>$1</em>')

// {{found "FILE" /regex/}}  {{lines "FILE" /regex/ word}}
export const FACT = /\{\{(found|lines) "([^"]+)" \/((?:[^/\\]|\\.)+)\/(?: (word|Word))?\}\}/g
const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve',
  'thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen', 'twenty', 'twenty-one', 'twenty-two']

// {{proof "a20_"}}  {{in "inject_hit(FI_TRIM"}}  {{calls "read write"}}
export const MADE = /\{\{(proof|in|calls) "([^"]+)"\}\}/g
const TABLES = {
  struct: structTable, enum: enumTable, transitions: transitionTable, bugs: bugTable, modelbugs: modelTable,
  options: optionTable, answers: answerTable, exceptions: exceptionTable, proc: procTable, speed: speedTable, where: whereTable, designs: designsTable, events: words => eventTable(words.split(/\s+/))
}

const TITLES = { question: 'The question', seed: 'Where the idea comes from', run: 'Run it', lab: 'Lab', note: 'Note', try: 'Try to …' }

class Page {
  constructor(rel, text) {
    this.rel = rel
    this.chapter = (rel.match(/(ch\d\d)/) || [])[1] || rel.replace(/\.md$/, '')
    this.up = '../'.repeat(rel.split('/').length - 1) || './'
    this.lines = text.split('\n')
    this.items = []
    this.errors = []
    this.out = []
    this.cited = []
    this.box = null
    this.skip = false
  }

  error(line, error, remedy) {
    this.errors.push({ line, error, remedy })
  }

  item(kind, line, fields) {
    const item = { kind, line, spoiler: this.box?.kind === 'spoiler', ...fields }
    this.items.push(item)
    return item
  }

  put(...lines) {
    if (!this.skip) this.out.push(...lines)
  }

  expand() {
    let i = 0
    while (i < this.lines.length) {
      const l = this.lines[i]
      const fence = l.match(/^(```+)(.*)$/)
      if (fence) i = this.fence(i, fence)
      else if (/^:::/.test(l)) this.container(i++, l)
      else if (/^@contents\s*$/.test(l)) { this.put(...contents(this.up)); i++ }
      else if (/^@counters\s*$/.test(l)) { this.put(...counterTables()); i++ }
      else if (/^@chapters\s*$/.test(l)) { this.put(...allChapters(this)); i++ }
      else if (/^@syscalls\s*$/.test(l)) { this.put(...syscallTable()); i++ }
      else if (/^@reference\s*$/.test(l)) { this.put(...referenceList(this.up)); i++ }
      else if (/^@\w+/.test(l)) this.table(++i, l)
      else { this.put(this.inlines(l, i + 1)); if (/^# \d/.test(l)) this.putLength(); i++ }
    }
    if (this.box) this.error(this.box.line, `box ${this.box.kind} is not closed`, 'end it with ":::"')
    this.putSources()
    return { text: this.out.join('\n'), items: this.items, errors: this.errors, chapter: this.chapter }
  }

  // A table that is made of the sources: tables.mjs.
  table(line, l) {
    const [, name, words] = l.match(/^@(\w+)\s*(.*?)\s*$/)
    if (!(name in TABLES)) return this.error(line, `unknown table @${name}`, `known are ${Object.keys(TABLES).join(' ')}`)
    const made = TABLES[name](words)
    if (made.error) return this.error(line, made.error, made.remedy)
    for (const r of made.refs ?? []) this.item('counter', line, r)
    if (made.path) this.item('listing', line, { path: made.path })
    this.put(...made.out)
  }

  // Under the title: how long is it?
  putLength() {
    const words = this.lines.filter(l => !/^(```|:::)/.test(l)).join(' ').split(/\s+/).length
    const exercises = this.lines.filter(l => /^::: exercise/.test(l)).length
    this.put('', `<p class="length">About ${Math.round(words / 200)} minutes to read, ${exercises} exercises.</p>`, '')
  }

  // ---- fences ----

  fence(i, [, ticks, info]) {
    let end = i + 1
    while (end < this.lines.length && this.lines[end].trimEnd() !== ticks) end++
    const body = this.lines.slice(i + 1, end)
    const m = info.match(/^@(\w+)\s*(.*)$/)
    if (this.skip) { /* the handout has not even the sources of these */ }
    else if (!m) this.put(...this.lines.slice(i, end + 1))
    else if (m[1] === 'src') this.excerpt(i + 1, m[2])
    else if (m[1] === 'session') this.session(i + 1, m[2].trim())
    else if (m[1] === 'figure') this.figure(i + 1, m[2].trim(), body)
    else if (m[1] === 'curves') this.curves(i + 1, m[2].trim(), body)
    else if (m[1] === 'six') this.six(i + 1, m[2].trim(), body)
    else if (m[1] === 'scene') this.scene(i + 1, m[2].trim(), body)
    else if (m[1] === 'life') this.life(i + 1, m[2].trim(), body)
    else this.error(i + 1, `unknown fence @${m[1]}`, 'known are @src @session @figure @curves @six @scene @life')
    if (end >= this.lines.length) this.error(i + 1, 'fence is not closed', `end it with ${ticks}`)
    return end + 1
  }

  excerpt(line, spec) {
    const m = spec.match(/^([\w./-]+)#((?:(?:struct|union|enum|fn):)?[\w.]+)\s*(?:\{(.*)\})?\s*$/)
    if (!m) return this.error(line, `cannot read "@src ${spec}"`, 'write @src FILE#symbol {from:/re/,to:/re/}')
    const [, path, name, all = ''] = m, fold = /^fold\b/.test(all), opts = all.replace(/^fold,?\s*/, '')
    const item = this.item('excerpt', line, { path, name, key: `${path}#${name}${opts ? `{${opts}}` : ''}` })
    let found = findSymbol(ROOT, path, name)
    if (!found.error) {
      const re = which => {
        const o = opts.match(new RegExp(`${which}:/((?:[^/\\\\]|\\\\.)*)/`))
        return o ? new RegExp(o[1]) : null
      }
      found = narrow(found, re('from'), re('to'))
    }
    if (found.error) return this.error(line, found.error, found.remedy)
    if (found.lines.length > MAX_EXCERPT)
      this.error(line, `excerpt ${name} has ${found.lines.length} lines, at most ${MAX_EXCERPT}`, 'narrow it by from: and to:')
    item.hash = hash(found.lines.join('\n'))
    const lang = path.endsWith('.S') ? 'asm' : path.endsWith('.tab') ? 'txt' : 'c'
    if (fold) this.put('<details class="all">', `<summary class="more">Show <code>${name.replace(':', ' ')}</code>, ${found.lines.length} lines</summary>`, '')
    this.put(
      `<p class="src-of"><a href="${this.up}src/${path}.html#L${found.first}" target="_blank" rel="noreferrer">${path}</a> <code>${name.replace(':', ' ')}</code></p>`,
      '', '```' + `${lang}:line-numbers=${found.first}`, ...found.lines, '```')
    if (fold) this.put('', '</details>', '')
  }

  session(line, name) {
    const script = `book/sessions/${name}`
    const out = script.replace(/\.\w+$/, '') + '.out'
    const item = this.item('session', line, { name, script, key: `session:${name}` })
    if (!existsSync(join(ROOT, script)))
      return this.error(line, `no session ${script}`, 'write it, or correct its name')
    const filled = existsSync(join(ROOT, out))
    const text = readFileSync(join(ROOT, filled ? out : script), 'utf8').replace(/\n$/, '')
    item.filled = filled
    item.hash = hash(text)
    if (!filled)
      return this.error(line, `${script} has no transcript`, 'make book-record')
    const how = name.startsWith('guest/')
      ? `make book-session SESSION=${name.replace(/^guest\/|\.\w+$/g, '')}`
      : `make ${name.split('/')[0]} SESSION=${name.replace(/^\w+\/|\.\w+$/g, '')}`
    this.put(`<p class="src-of">transcript <code>${name}</code> · <code>${how}</code></p>`,
      '', ...transcript(name, text.split('\n')), '')
  }

  figure(line, file, body) {
    const item = this.item('figure', line, { file, truths: [] })
    const truth = l => {
      const m = l.match(/true: (\S+) \/(.*)\/\s*(?:-->)?\s*$/)
      if (m) item.truths.push({ path: m[1], re: m[2] })
      return m !== null
    }
    let drawing, caption
    if (file) {
      const path = join(ROOT, 'book/figures', file)
      if (!existsSync(path)) return this.error(line, `no figure book/figures/${file}`, 'draw it, or correct its name')
      const svg = readFileSync(path, 'utf8').split('\n').filter(l => !truth(l) && l.trim() !== '' && !l.startsWith('<?xml'))
      drawing = ['<div class="scroll-svg" tabindex="0">', ...svg, '</div>']
      caption = body.join(' ')
    } else {
      const rest = body.filter(l => !truth(l))
      caption = (rest.find(l => l.startsWith('caption: ')) || '').slice(9)
      const lines = rest.filter(l => !l.startsWith('caption: '))
      drawing = ['<pre class="drawing" v-pre tabindex="0">' + lines.map(l => escapeHtml(l) || '&nbsp;').join('\n') + '</pre>']
    }
    item.caption = caption
    if (!caption) this.error(line, 'figure without caption', 'say in one sentence what it shows')
    if (item.truths.length === 0 && !HANDOUT)
      this.error(line, 'figure is tied to no code', 'add "true: FILE /regex/" lines that fail when it becomes wrong')
    this.put('<figure class="fig">', ...drawing, '<p class="cue" aria-hidden="true"></p>', this.caption(caption), '</figure>', '')
  }

  // ```@curves RUN/STEP NAME…: the body is the caption.
  curves(line, spec, body) {
    const [where, ...names] = spec.split(/\s+/)
    const made = curves(where, names)
    if (made.error) return this.error(line, made.error, made.remedy)
    this.item('figure', line, { file: where, caption: body.join(' '), truths: [] })
    for (const r of made.refs) this.item('counter', line, r)
    this.put('<figure class="fig"><div class="scroll-svg" tabindex="0">', ...made.svg, '</div>', '<p class="cue" aria-hidden="true"></p>', this.caption(body.join(' ')), '</figure>', '')
  }

  caption(text) {
    const n = this.items.filter(x => x.kind === 'figure').length
    return `<figcaption><b>Figure ${/^ch\d/.test(this.chapter) ? `${Number(this.chapter.slice(2))}.` : ''}${n}.</b> ${inline(text)}</figcaption>`
  }

  // A figure that is played: its graph, and that of the planted bug where there is one.
  // The body: a caption, an empty line, and text that leads the reader through it.
  scene(line, name, body) {
    const gap = body.indexOf('')
    const caption = body.slice(0, gap < 0 ? body.length : gap).join(' ')
    const lead = gap < 0 ? [] : body.slice(gap + 1)
    const designs = existsSync(join(ROOT, `book/scenes/${name}.scene`)) ? graphsOf(name).map(g => g.design) : []
    const graphs = [name, `${name}-bug`, ...designs.map(d => `${name}-${d}`)].map(n => join(ROOT, `book/scenes/${n}.json`)).filter(f => existsSync(f)).map(f => readFileSync(f, 'utf8'))
    if (graphs.length === 0) return this.error(line, `no graph book/scenes/${name}.json`, 'write the scene, then make scenes')
    this.item('figure', line, { file: name, caption, truths: [] })
    this.item('scene', line, { key: `scene:${name}`, hash: hash(graphs.join('')), name })
    if (!caption) this.error(line, 'figure without caption', 'say in one sentence what it shows')
    const heads = JSON.stringify(graphs.map(g => still(JSON.parse(g))))
    const ids = graphs.map(g => JSON.parse(g)).flatMap(g => [...g.names.map(n => n[0]), ...g.puzzles.map((_, i) => `puzzle-${i + 1}`)].map(n => `fig-${variantOf(g)}/${n}`))
    this.put(`<figure class="fig played"><VmScene still="${escapeHtml(heads).replace(/"/g, '&quot;').replace(/\{\{/g, '{ {')}"></VmScene>`,
      this.caption(caption), '</figure>', `<!-- ${ids.map(i => `id="${i}"`).join(' ')} -->`, '', ...lead.map((l, i) => this.inlines(l, line + gap + 2 + i)), '')
  }

  // ```@six SCENE STATE: that state under each design; the body is the caption.
  six(line, spec, body) {
    const [name, state] = spec.split(/\s+/)
    const made = six(name, state)
    if (made.error) return this.error(line, made.error, made.remedy)
    this.item('figure', line, { file: `${name} ${state}`, caption: body.join(' '), truths: [] })
    this.item('scene', line, { key: `six:${name}/${state}`, hash: hash(made.html.join('\n')), name })
    if (body.length === 0) this.error(line, 'figure without caption', 'say in one sentence what it shows')
    this.put('<figure class="fig">', ...made.html, this.caption(body.join(' ')), '</figure>', '')
  }

  // All frames of a recorded run, with time to drag (theme/vtr/FrameLife.vue).
  life(line, shows, body) {
    if (!['frames', 'sets', 'slots'].includes(shows)) return this.error(line, `unknown "@life ${shows}"`, 'write frames, sets or slots')
    this.item('figure', line, { file: `life ${shows}`, caption: body.join(' '), truths: [] })
    if (body.length === 0) this.error(line, 'figure without caption', 'say in one sentence what it shows')
    this.put(`<figure class="fig played"><FrameLife shows="${shows}"></FrameLife>`, this.caption(body.join(' ')), '</figure>', '')
  }

  // ---- boxes ----

  container(i, l) {
    const m = l.match(/^:::\s*(\w*)\s*(.*)$/)
    if (m[1] === '') return this.closeBox(i + 1)
    if (this.box) this.error(i + 1, `box ${m[1]} inside box ${this.box.kind}`, 'boxes do not nest')
    this.box = { kind: m[1], line: i + 1, title: m[2] }
    if (m[1] === 'spoiler') {
      this.skip = HANDOUT
      this.put('<details class="box spoiler">', `<summary>Spoiler: ${inline(m[2] || 'part of a lab')}</summary>`, '')
    } else if (m[1] === 'exercise') {
      const [, number, title] = m[2].match(/^(\d+\.\d+)\s+(.*)$/) || []
      if (!number) this.error(i + 1, 'exercise without number and title', 'write ::: exercise 5.1 Title')
      this.box.number = number
      this.item('exercise', i + 1, { number })
      this.put(`<div class="box exercise" id="exercise-${(number || '').replace('.', '-')}">`, '<p class="box-title">' +
        `Exercise ${number}: ${inline(title || '')}</p>`, '')
    } else if (m[1] in TITLES) {
      this.item('box', i + 1, { name: m[1] })
      this.put(`<div class="box ${m[1]}">`, `<p class="box-title">${TITLES[m[1]]}${m[2] ? `: ${inline(m[2])}` : ''}</p>`, '')
    } else this.error(i + 1, `unknown box ${m[1]}`, `known are ${Object.keys(TITLES).join(' ')} exercise spoiler`)
  }

  closeBox(line) {
    if (!this.box) return this.error(line, 'nothing to close', 'remove the ":::"')
    if (this.box.kind === 'exercise') this.answer(this.box.number)
    this.put('', this.box.kind === 'spoiler' ? '</details>' : '</div>', '')
    this.box = null
    this.skip = false
  }

  answer(number) {
    if (HANDOUT) return
    this.answers ??= loadAnswers(this.chapter)
    const a = this.answers.get(number)
    if (!a) return this.error(this.box.line, `exercise ${number} has no answer`,
      `write "## ${number}" in grading/answers/${this.chapter}.md`)
    const lines = a.text.trim().split('\n')
    this.ask(number, lines.filter(l => l.startsWith('@ask ')))
    this.put('', '<details class="answer">', '<summary>Answer</summary>', '',
      ...lines.filter(l => !l.startsWith('@ask ')).map(l => this.inlines(l, this.box.line)), '', '</details>')
  }

  // "@ask How many faults? = {{counter …}}": what the page can check before it is read.
  ask(number, lines) {
    if (lines.length === 0) return
    const rows = lines.map(l => {
      const [, question, want] = l.match(/^@ask (.+?) = (.+)$/) ?? []
      const value = want && this.inlines(want, this.box.line).replace(/<[^>]+>/g, '').trim()
      if (!value || value.includes('?')) this.error(this.box.line, `exercise ${number}: cannot read "${l}"`, 'write @ask QUESTION = WHAT IS WANTED')
      else if (value.startsWith('#fig-')) this.steps(this.box.line, value.slice('#fig-'.length))
      return [question, value]
    })
    this.item('ask', this.box.line, { number, rows })
    this.put('', `<VmAsk id="${number}" rows="${escapeHtml(JSON.stringify(rows)).replace(/"/g, '&quot;')}"></VmAsk>`, '')
  }

  // {{steps "last-owner/orphan"}}: so many actions lead there, at least.
  steps(line, state) {
    const [scene, name] = state.split('/')
    const file = join(ROOT, `book/scenes/${scene}.json`)
    const n = existsSync(file) ? stepsTo(JSON.parse(readFileSync(file, 'utf8')), name) : null
    if (n === null) { this.error(line, `no state ${state} in book/scenes`, 'names are in the scene, or numbers of states'); return '?' }
    this.item('fact', line, { key: `steps ${state}`, value: n })
    return String(n)
  }

  // ---- within a line ----

  inlines(l, line) {
    return l
      .replace(/\{\{counter "([^"]+)" run="([^"/]+)\/([^"]+)"\}\}/g, (_, name, run, step) =>
        this.number(line, `${run}/${step}/${name}`))
      .replace(/\{\{calc "([^"]+)"(?: digits=(\d))?\}\}/g, (_, expr, digits) => this.calc(line, expr, digits))
      .replace(/\{\{steps "([^"]+)"\}\}/g, (_, state) => this.steps(line, state))
      .replace(MADE, (_, kind, text) => this.made(line, kind, text))
      .replace(FACT, (_, kind, path, re, form) => this.fact(line, kind, path, re, form))
      .replace(/\[@([\w-]+)\]/g, (_, key) => this.cite(line, key))
  }

  made(line, kind, text) {
    const made = { proof: proofs, in: places, calls: callList }[kind](text)
    if (made.error) this.error(line, made.error, made.remedy)
    return made.out ?? '?'
  }

  // What a file of the tree says: the first group of the only line that matches,
  // or how many lines do.
  fact(line, kind, path, re, form) {
    const lines = sourceLines(ROOT, path)
    const found = (lines || []).map(l => l.match(new RegExp(re))).filter(m => m)
    if (found.length === 0 || (kind === 'found' && found.length > 1)) {
      this.error(line, `${path} has ${found.length} lines like /${re}/`, 'read the paragraph again: is it still so?')
      return '?'
    }
    const value = kind === 'lines' ? found.length : found[0][1]
    this.item('fact', line, { key: `${path} /${re}/`, value })
    return form && NUMBERS[value] ? (form === 'Word' ? NUMBERS[value][0].toUpperCase() + NUMBERS[value].slice(1) : NUMBERS[value]) : group(value)
  }

  number(line, ref) {
    const r = lookup(ref)
    if (r.error) { this.error(line, r.error, r.remedy); return '?' }
    this.item('counter', line, { key: ref, value: r.value })
    return `<span class="measured" title="recorded: ${ref}">${group(r.value)}</span>`
  }

  calc(line, expr, digits = 0) {
    let bad = false
    const sum = expr.replace(/[\w-]+\/[\w-]+\/[a-z_.]+/g, ref => {
      const r = lookup(ref)
      if (r.error) { this.error(line, r.error, r.remedy); bad = true; return '0' }
      this.item('counter', line, { key: ref, value: r.value })
      return String(r.value)
    })
    if (bad || !/^[\d\s+*/().-]+$/.test(sum)) {
      if (!bad) this.error(line, `cannot compute "${expr}"`, 'use RUN/STEP/counter, numbers, + - * / ( )')
      return '?'
    }
    const value = Function(`return ${sum}`)()
    return `<span class="measured" title="recorded: ${escapeHtml(expr)}">${group(value.toFixed(digits))}</span>`
  }

  cite(line, key) {
    this.item('cite', line, { name: key })
    if (!(key in sources)) { this.error(line, `no source ${key}`, 'add it to book/sources.json'); return '?' }
    if (!this.cited.includes(key)) this.cited.push(key)
    return `<a class="cite" href="#src-${key}">[${this.cited.indexOf(key) + 1}]</a>`
  }

  putSources() {
    if (this.cited.length === 0) return
    this.put('', '## Sources', '', '<ol class="sources">')
    for (const key of this.cited) {
      const s = sources[key]
      const title = s.url ? `<a href="${s.url}" target="_blank" rel="noreferrer">${inline(s.title)}</a>` : inline(s.title)
      this.put(`<li id="src-${key}">${title}${s.says ? ` ${inline(s.says)}` : ''}</li>`)
    }
    this.put('</ol>')
  }
}

const group = v => String(v).replace(/\B(?=(\d{3})+(?!\d)(?=\.|$))/g, ',')

function contents(up) {
  const out = []
  for (const p of parts) {
    out.push('', `### ${p.title}`, '')
    for (const c of p.chapters)
      out.push(`- **[${c.n}. ${c.title}](${up}${posix.normalize(c.file)})** <br> ${c.question}`)
  }
  return out
}

// A link of a chapter on the page of all: to another chapter on that page; what leads
// elsewhere in the site is text, as paper and a file have no site beside them.
const LINK = /\[((?:[^[\]]|\[[^\]]*\])*)\]\(((?:\.{1,2}\/)?[^)#\s:]+\.(?:md|html))(#[^)]*)?\)/g

function onOnePage(text, file) {
  return text.replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(LINK, (_, words, path, at) => {
      const to = chapters.find(c => c.file === posix.join(posix.dirname(file), path.replace(/html$/, 'md')))
      return to ? `[${words}](${/^#_\d/.test(at ?? '') ? at : `#chapter-${to.n}`})` : words
    })
    .replace(/(<a [^>]*?) ?href="(?:\.\.\/|\.\/)[^"]*"/g, '$1')
}

function allChapters() {
  const out = ['']
  for (const p of parts)
    out.push('', `**${p.title}**`, '', ...p.chapters.filter(c => c.file).map(c => `- [${c.n}. ${c.title}](#chapter-${c.n})`))
  for (const c of chapters.filter(x => x.file)) {
    const inner = expandPage(c.file, readFileSync(join(ROOT, 'book', c.file), 'utf8'))
    out.push('', `<div class="chapter" id="chapter-${c.n}">`, '', ...onOnePage(inner.text, c.file).split('\n'), '', '</div>', '')
  }
  return out
}

const cell = s => escapeHtml(s).replace(/\|/g, '\\|')

function counterTables() {
  const out = []
  for (const kinds of [['count', 'gauge', 'sum', 'both'], ['trace', 'both']]) {
    const trace = kinds[0] === 'trace'
    out.push('', trace ? '## Trace events' : '## Counters', '',
      trace ? '| event | arguments | id | meaning |' : '| counter | kind | case | meaning |', '|---|---|---|---|')
    for (const e of events.filter(x => kinds.includes(x.kind)))
      out.push(trace
        ? `| \`${e.name}\` | ${cell(e.args)} | ${e.id} | ${cell(e.text)} |`
        : `| \`${e.name}\` | ${e.kind === 'gauge' || e.kind === 'sum' ? e.kind : 'count'}${e.flags.includes('p') ? ', per process' : ''} | ${e.fcase} | ${cell(e.text)} |`)
  }
  return out
}

function syscallTable() {
  return ['', '| number | call | arguments |', '|---|---|---|',
    ...syscalls.map(([n, name, ...args]) => `| ${n} | \`${name}\` | ${cell(args.join(' '))} |`)]
}

export function expandPage(rel, text) {
  return new Page(rel, text).expand()
}
