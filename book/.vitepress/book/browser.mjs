// SPDX-License-Identifier: BSD-2-Clause
// browser.mjs: every page in headless Chromium, narrow and wide, light and dark
//
//   node book/.vitepress/book/browser.mjs DIR [views|scenes|asks|axe|search]… [/PART-OF-PATH]…
//                                  screenshots go to DIR; no word: all of it, on all pages
//
// Problem   A site can build and still be blank, too wide, or full of errors
//           that only the console knows.
//
// Picture   page × width: load, errors? wider than the window? screenshot
//           figures that are played: real keys, to each named state
//           exercises that can be answered: a wrong answer, then the wanted one
//           axe: no serious finding
//           then the search: type queries, expect results
//
// Rules     1. Any error or warning of the console fails.
//           2. Nothing but wide code and figures may scroll sideways, and what
//              does says so: a telephone shows no scroll bar.
import { readFileSync, readdirSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Browser, DIST, pause, serve } from './chromium.mjs'

const SHOTS = process.argv[2] || 'build/book-shots'
const only = process.argv.slice(3).filter(a => a.startsWith('/'))
const parts = process.argv.slice(3).filter(a => !a.startsWith('/'))
const does = what => parts.length === 0 || parts.includes(what)
const VIEWS = [
  { name: '390', width: 390, height: 844, dark: false },
  { name: '390-dark', width: 390, height: 844, dark: true },
  { name: '1440', width: 1440, height: 900, dark: false },
  { name: '1440-dark', width: 1440, height: 900, dark: true }
]
// What a reader might look for, and a word of the page that must be found.
const QUERIES = [
  ['spurious fault', 'fault'], ['demand zero', 'fault'], ['copy-on-write', 'Forked'], ['red-black tree', 'address'],
  ['maxgap', 'gap'], ['invlpg', 'TLB'], ['shootdown', 'TLB'], ['canonical', 'Canonical'], ['usercopy', 'Usercopy'],
  ['mprotect', ''], ['MAP_FIXED', ''], ['fork.entries', ''], ['fault.zerofill', ''], ['prototype', ''], ['last owner', ''],
  ['stack grow', ''], ['SMAP', ''], ['commit limit', ''], ['munmap', ''], ['glossary', ''], ['I12', 'Invariants'], ['swap cache', 'Swap'], ['page out', ''], ['OOM', ''],
  ['amap', 'amap'], ['anon', 'anon']
]
// Words of other systems: each finds the page that says what it is called here.
for (const row of readFileSync(join(DIST, '../../glossary.md'), 'utf8').split('## Words of other')[1].match(/^\| [^|]+ \|/gm).slice(1))
  for (const word of row.slice(2, -2).split(', ')) QUERIES.push([word.replace(/`/g, ''), /^[A-Z]{3}$|refc/.test(word) ? 'Words of other' : ''])

function pages(dir = DIST, base = '', out = []) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory() && !['assets', 'src'].includes(e.name)) pages(join(dir, e.name), `${base}/${e.name}`, out)
    else if (e.name.endsWith('.html')) out.push(`${base}/${e.name}`)
  }
  return out.filter(p => p !== '/404.html' && (only.length === 0 || only.some(o => p.includes(o))))
}

// What the console says against a page.
function complaints(browser, into) {
  const l = m => {
    if (m.method === 'Runtime.exceptionThrown') into.push(m.params.exceptionDetails.exception?.description || m.params.exceptionDetails.text)
    if (m.method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(m.params.type))
      into.push(m.params.args.map(a => a.value ?? a.description).join(' '))
    if (m.method === 'Log.entryAdded' && ['error', 'warning'].includes(m.params.entry.level)) into.push(`${m.params.entry.text} ${m.params.entry.url || ''}`)
    if (m.method === 'Network.responseReceived' && m.params.response.status >= 400) into.push(`${m.params.response.status} ${m.params.response.url}`)
  }
  browser.listeners.add(l)
  return () => browser.listeners.delete(l)
}

async function visit(browser, url, view) {
  const found = []
  const stop = complaints(browser, found)
  await browser.send('Emulation.setDeviceMetricsOverride', { width: view.width, height: view.height, deviceScaleFactor: 1, mobile: view.width < 700 })
  await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: view.dark ? 'dark' : 'light' }] })
  const loaded = browser.until('Page.loadEventFired')
  await browser.send('Page.navigate', { url })
  await loaded
  await pause(250)
  const page = await browser.eval(`({
    wide: document.documentElement.scrollWidth - innerWidth,
    head: document.querySelector('h1')?.innerText || '',
    dark: document.documentElement.classList.contains('dark'),
    raw: /\\{\\{|@src |@figure|:::|^also:/m.test(document.querySelector('main, .VPHome, body').innerText),
    small: [...document.querySelectorAll('svg text')].length,
    silent: [...document.querySelectorAll('.fig .drawing, .fig .scroll-svg, .vp-doc table, .vp-doc div[class*=language-] pre')].filter(e => {
      const at = e.closest('.fig, div[class*=language-]') || e, cue = at.querySelector('.cue')
      return e.clientWidth > 0 && (e.scrollWidth - e.clientWidth > 4) !== !!(at.dataset.more && getComputedStyle(e).maskImage !== 'none' && (!cue || cue.getBoundingClientRect().height > 0))
    }).map(e => e.tagName + ': ' + e.innerText?.slice(0, 40)),
    over: [...document.querySelectorAll('.vp-doc *')].filter(e => !e.closest('pre, table, .scroll-svg, div[class*=language-]') &&
      e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(e => e.tagName + ': ' + e.innerText?.slice(0, 40))
  })`)
  if (page.wide > 0) found.push(`wider than the window by ${page.wide} px: ${page.over.join('; ')}`)
  for (const s of page.silent) found.push(`wider than its place without a cue, or a cue without reason: ${s}`)
  if (!page.head) found.push('no heading')
  if (page.raw) found.push('a directive was not expanded')
  if (page.dark !== view.dark) found.push('does not follow the reader\'s choice of dark or light')
  stop()
  return found
}

async function shoot(browser, file) {
  const { contentSize } = await browser.send('Page.getLayoutMetrics').then(m => ({ contentSize: m.cssContentSize }))
  const { data } = await browser.send('Page.captureScreenshot', {
    format: 'png', captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: contentSize.width, height: Math.min(contentSize.height, 16000), scale: 1 }
  })
  writeFileSync(file, Buffer.from(data, 'base64'))
}

// ---- figures that are played, by keyboard alone ----

const KEYS = { Tab: 9, Enter: 13, Home: 36, ArrowUp: 38, ArrowDown: 40 }

async function press(browser, key, shift = false) {
  const event = { key, code: key, windowsVirtualKeyCode: KEYS[key], modifiers: shift ? 8 : 0 }
  await browser.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...event })
  if (key === 'Enter') await browser.send('Input.dispatchKeyEvent', { type: 'char', text: '\r', ...event })
  await browser.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
}

// What a test asks of the page: where the focus stands, and what lies outside its box.
const ASK = `window.sceneAt = id => {
  const figure = document.getElementById(id).closest('.vm-scene')
  const stops = [...figure.querySelectorAll('button, select, input, summary')].filter(e => e.offsetParent && !e.disabled && e.tabIndex >= 0)
  const over = [...figure.querySelectorAll('.vm-state:not(.stills *) :is(.card, .row, .queue, .node)')].find(e => e.offsetWidth > 0 && e.scrollWidth > e.clientWidth + 1)
  const a = figure.querySelector('.address code')
  return { at: stops.indexOf(document.activeElement), select: stops.findIndex(e => e.tagName === 'SELECT'), wish: figure.querySelector('select').value,
    next: stops.findIndex(e => e.classList.contains('next')), which: stops.findIndex(e => e.getAttribute('role') === 'radio'),
    address: a.textContent.slice(1), over: over ? over.innerText.replace(/\\s+/g, ' ').slice(0, 60) : '' }
}`
const sceneAt = (browser, id) => browser.eval(`sceneAt(${JSON.stringify(id)})`)

// Tab, or Shift and Tab, until the n-th stop of the figure has the focus.
async function tabTo(browser, id, n) {
  for (let tries = 0; tries < 80; tries++) {
    const { at } = await sceneAt(browser, id)
    if (at === n) return true
    await press(browser, 'Tab', at > n)
  }
  return false
}

// Two names may be of one state: where a design does nothing, it is what it was.
function isAt(address, id) {
  const [figure, name] = id.split('/'), [where, other] = address.split('/')
  if (where !== figure) return false
  const { names } = JSON.parse(readFileSync(join(DIST, `../../scenes/${figure.slice(4)}.json`)))
  const state = n => names.find(([id]) => id === n)?.[1]
  return other === name || (state(name) !== undefined && state(other) === state(name))
}

async function playTo(browser, id) {
  const [figure, name] = id.split('/')
  // The address moves the place from which Tab goes on.
  await browser.eval(`document.activeElement?.blur(); location.hash = ${JSON.stringify('#' + id)}`)
  let s
  for (let n = 0; n < 40; n++) {
    s = await sceneAt(browser, id)
    if (isAt(s.address, id)) break
    await pause(50)
  }
  if (!isAt(s.address, id)) return `the address leads to ${s.address}`
  await press(browser, 'Tab')
  if ((await sceneAt(browser, id)).at < 0) return 'Tab does not lead into the figure'
  await press(browser, 'Home')
  if (!await tabTo(browser, id, (await sceneAt(browser, id)).select)) return 'Tab does not lead to the list of names'
  for (let n = 0; n < 40 && (await sceneAt(browser, id)).wish !== name; n++) await press(browser, 'ArrowDown')
  for (let n = 0; n < 80 && (await sceneAt(browser, id)).wish !== name; n++) await press(browser, 'ArrowUp')
  for (let n = 0; n < 64; n++) {
    s = await sceneAt(browser, id)
    if (s.over) return `text out of its box: ${s.over}`
    if (s.next < 0) break
    if (!await tabTo(browser, id, s.next)) return 'a button cannot be reached by Tab'
    await press(browser, 'Enter')
  }
  return isAt(s.address, id) ? '' : `its shortest way from ${figure}'s start ends at ${s.address}`
}

// Who follows a link while a key still does its work (its graph may be on the way) comes to
// where the link leads: what the key writes into the address must not hide it.
async function linkBehindKey(browser, ids) {
  const id = ids.find(i => ids.includes(i.replace(/[^/]+$/, 'start')) && !isAt(i.replace(/[^/]+$/, 'start'), i))
  if (!id) return ''
  await playTo(browser, id.replace(/[^/]+$/, 'start'))
  const to = await browser.eval(`(async () => {
    const id = ${JSON.stringify(id)}, figure = document.getElementById(id).closest('.vm-scene')
    figure.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }))
    location.hash = '#' + id
    for (let n = 0; n < 20 && figure.dataset.at !== id; n++) await new Promise(ok => setTimeout(ok, 50))
    return [figure.dataset.at, location.hash.slice(1)]
  })()`)
  return to.every(t => isAt(t, id)) ? '' : `${id}: a link behind a key leads to ${to[0]}, the address is ${to[1]}`
}

// Each figure to each of its named states; its boxes hold what stands in them.
async function playScenes(browser, origin, path, view) {
  const bad = []
  await visit(browser, origin + path, view)
  const ids = await browser.eval(`[...document.querySelectorAll('.vm-scene .anchor')].map(e => e.id)`)
  for (const id of ids) {
    const r = await playTo(browser, id).catch(e => e.message)
    if (r) bad.push(`${path} at ${view.name}: ${id}: ${r}`)
  }
  const late = await linkBehindKey(browser, ids)
  if (late) bad.push(`${path} at ${view.name}: ${late}`)
  return [ids.length, bad]
}

// What exercises ask: a wrong answer is said to be wrong, the wanted one right, and a state
// is right when the figure is there.
async function askedAndTold(browser, origin, path) {
  await visit(browser, origin + path, VIEWS[2])
  return browser.eval(`(async () => {
    const bad = [], pause = ms => new Promise(ok => setTimeout(ok, ms)), forms = [...document.querySelectorAll('.vm-ask')]
    const type = (input, text) => { input.value = text; input.dispatchEvent(new Event('input')) }
    for (const form of forms) {
      const rows = JSON.parse(form.dataset.rows), fields = rows.map(([, want]) => want.startsWith('#') ? null : 0)
      const inputs = [...form.querySelectorAll('input')]
      fields.forEach((f, k) => { if (f === 0) fields[k] = inputs.shift() })
      const send = async () => { form.requestSubmit(); await pause(60); return form.innerText }
      rows.forEach((r, k) => { if (fields[k]) type(fields[k], '98765') })
      const wrong = await send()
      if (wrong.split('not so').length - 1 !== rows.length) bad.push('exercise ' + form.dataset.id + ': a wrong answer passes: ' + wrong)
      rows.forEach(([, want], k) => { if (fields[k]) type(fields[k], want) })
      for (const [, want] of rows.filter(r => r[1].startsWith('#'))) {
        location.hash = want
        for (let n = 0; n < 60 && document.querySelector('[data-figure="' + want.slice(1).split('/')[0] + '"]')?.dataset.at !== want.slice(1); n++) await pause(50)
      }
      const right = await send()
      if (!right.includes('All right.')) bad.push('exercise ' + form.dataset.id + ': the right answer does not pass: ' + right)
    }
    return [forms.length, bad]
  })()`)
}

// When a page with a figure paints first, and how much the figure is.
async function measure(browser, origin, path) {
  const paints = []
  for (let n = 0; n < 3; n++) { // the best of three: the machine has other work, too
    await visit(browser, origin + path, VIEWS[2])
    paints.push(await browser.eval(`Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e6)`))
  }
  const paint = Math.min(...paints)
  // In print: their states, two beside each other, or one; the page is A4 without its margins.
  await browser.send('Emulation.setDeviceMetricsOverride', { width: 660, height: 1000, deviceScaleFactor: 1, mobile: false })
  await browser.send('Emulation.setEmulatedMedia', { media: 'print' })
  const over = await browser.eval(`[...document.querySelectorAll('.stills :is(.card, .row, .queue, .node)')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e =>
    e.closest('.still').innerText.slice(0, 20) + ': ' + e.innerText.replace(/\\s+/g, ' ').slice(0, 60))`)
  await browser.send('Emulation.setEmulatedMedia', { media: '' })
  const { ids } = await browser.eval(`({ ids: [...new Set([...document.querySelectorAll('.vm-scene .anchor')].map(e => e.id.slice(4).split('/')[0]))] })`)
  for (const id of ids) {
    const text = readFileSync(join(DIST, `../../scenes/${id}.json`))
    const g = JSON.parse(text)
    console.log(`${id.padEnd(15)} ${String(g.states.length).padStart(5)} states ${String(g.steps.flat().length).padStart(6)} steps ` +
      `${String(gzipSync(text, { level: 9 }).length).padStart(6)} bytes compressed; first paint of its page ${paint} ms`)
  }
  return [...paint > 1000 ? [`${path}: first paint after ${paint} ms`] : [], ...over.map(o => `${path} in print: text out of its box: ${o}`)]
}

// ---- axe: what a reader who cannot see, or not well, would miss ----

async function axe(browser, origin, path, view) {
  await visit(browser, origin + path, view)
  await browser.eval(readFileSync(join(DIST, '../../node_modules/axe-core/axe.min.js'), 'utf8') + '; 0')
  const found = await browser.eval(`axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => v.id + ': ' + v.nodes.length + ' times, first ' + v.nodes[0].target.join(' ') + ' ' + (v.nodes[0].any[0]?.message ?? '').slice(0, 160)))`)
  return found.map(f => `${path} at ${view.name}: ${f}`)
}

async function search(browser, origin) {
  const bad = []
  await visit(browser, `${origin}/contents.html`, VIEWS[2])
  await browser.eval('document.querySelector(".DocSearch-Button, .VPNavBarSearch button")?.click()')
  await pause(800)
  for (const [query, word] of QUERIES) {
    await browser.eval(`(() => { const i = document.querySelector('.VPLocalSearchBox input'); if (!i) throw new Error('no search box');
      i.value = ${JSON.stringify(query)}; i.dispatchEvent(new Event('input', { bubbles: true })) })()`)
    let text = ''
    await pause(600) // the results of the query before
    for (let n = 0; n < 20 && !text; n++) {
      await pause(150)
      text = await browser.eval('[...document.querySelectorAll(".VPLocalSearchBox .result")].map(e => e.innerText).join(" | ")')
    }
    if (!text || (word && !text.toLowerCase().includes(word.toLowerCase()))) bad.push(`search for "${query}": ${text.slice(0, 80) || 'nothing'}`)
  }
  return bad
}

const server = await serve()
const origin = `http://127.0.0.1:${server.address().port}`
const browser = new Browser()
let bad = 0, seen = 0, played = 0, answered = 0, asked = 0
const complain = list => { for (const f of list) { console.log(f); bad++ } }
mkdirSync(SHOTS, { recursive: true })
try {
  await browser.open()
  for (const path of does('views') ? pages() : [])
    for (const view of VIEWS) {
      const found = await visit(browser, origin + path, view)
      await shoot(browser, join(SHOTS, `${path.slice(1).replace(/\W+/g, '-').replace(/-html$/, '')}-${view.name}.png`))
      seen++
      complain(found.map(f => `${path} at ${view.name}: ${f}`))
    }
  const withScenes = pages().filter(p => !p.includes('print') && readFileSync(join(DIST, p)).includes('class="vm-scene"'))
  if (does('scenes')) {
    await browser.send('Page.addScriptToEvaluateOnNewDocument', { source: ASK })
    for (const path of withScenes) {
      complain(await measure(browser, origin, path))
      for (const view of [VIEWS[0], VIEWS[2]]) {
        const [n, found] = await playScenes(browser, origin, path, view)
        played += n
        complain(found)
      }
    }
  }
  for (const path of does('asks') ? pages().filter(p => !p.includes('print') && readFileSync(join(DIST, p)).includes('class="vm-ask"')) : []) {
    const [n, found] = await askedAndTold(browser, origin, path)
    answered += n
    complain(found.map(f => `${path}: ${f}`))
  }
  // The printed book is the chapters once more, and axe a quarter of an hour at it.
  for (const path of does('axe') ? pages().filter(p => !p.startsWith('/src/') && !p.includes('print')) : [])
    for (const view of [VIEWS[2], VIEWS[3], ...(withScenes.includes(path) ? [VIEWS[0]] : [])]) {
      complain(await axe(browser, origin, path, view))
      asked++
    }
  if (does('search')) complain(await search(browser, origin))
} finally {
  await browser.close()
  server.close()
}
console.log(`book: ${seen} views, ${played} named states played by keyboard, ${answered} exercises answered, ${asked} views asked of axe, ${does('search') ? QUERIES.length : 0} searches, ${bad} complaints; pictures in ${SHOTS}`)
process.exit(bad > 0 ? 1 : 0)
