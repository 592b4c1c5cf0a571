// SPDX-License-Identifier: BSD-2-Clause
// browser.mjs: every page in headless Chromium, narrow and wide, light and dark
//
//   node book/.vitepress/book/browser.mjs DIR      screenshots go to DIR
//
// Problem   A site can build and still be blank, too wide, or full of errors
//           that only the console knows.
//
// Picture   page × width: load, errors? wider than the window? screenshot
//           then the search: type queries, expect results
//
// Rules     1. Any error or warning of the console fails.
//           2. Nothing but wide code and figures may scroll sideways, and what
//              does says so: a telephone shows no scroll bar.
import { readFileSync, readdirSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Browser, DIST, pause, serve } from './chromium.mjs'

const SHOTS = process.argv[2] || 'build/book-shots'
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
  return out.filter(p => p !== '/404.html')
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
    raw: /\\{\\{|@src |@figure|:::/.test(document.querySelector('main, .VPHome, body').innerText),
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

// Each figure that is played, to each of its named states, by keyboard alone; its
// boxes hold what stands in them.
async function playScenes(browser, origin, path) {
  const bad = []
  await visit(browser, origin + path, VIEWS[0])
  const figures = await browser.eval(`[...document.querySelectorAll('.vm-scene .anchor')].map(e => e.id)`)
  for (const id of figures) {
    await browser.eval(`location.hash = ${JSON.stringify('#' + id)}`)
    let shown = ''
    for (let n = 0; n < 20 && shown !== id; n++) {
      await pause(100)
      shown = await browser.eval(`(document.getElementById(${JSON.stringify(id)})?.closest('.vm-scene').querySelector('.address code')?.textContent || '').slice(1)`)
    }
    if (shown !== id) bad.push(`${id}: the address leads to ${shown || 'nothing'}`)
    const r = await browser.eval(`playByKeys(${JSON.stringify(id)})`).catch(e => e.message)
    if (r) bad.push(`${id}: ${r}`)
  }
  return bad.map(b => `${path}: ${b}`)
}

// In the page: Home, "shortest way to", then Enter on the button that is marked.
const BY_KEYS = `window.playByKeys = async id => {
  const figure = document.getElementById(id).closest('.vm-scene'), name = id.split('/')[1]
  const later = () => new Promise(ok => setTimeout(ok, 60))
  figure.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }))
  await later()
  const select = figure.querySelector('select')
  select.value = name
  select.dispatchEvent(new Event('change'))
  await later()
  for (let n = 0; n < 64; n++) {
    const next = figure.querySelector('button.next')
    if (!next) break
    next.focus()
    if (document.activeElement !== next) return 'a button cannot be reached by keyboard'
    next.click()
    await later()
    const over = [...figure.querySelectorAll('.vm-state:not(.stills *) :is(.card, .row, .queue)')].find(e => e.offsetWidth > 0 && e.scrollWidth > e.clientWidth + 1)
    if (over) return 'text out of its box: ' + over.innerText.replace(/\\s+/g, ' ').slice(0, 60)
  }
  const at = figure.querySelector('.address code').textContent
  return at.endsWith('/' + name) ? '' : 'its shortest way ends at ' + at
}`

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
let bad = 0, seen = 0
mkdirSync(SHOTS, { recursive: true })
try {
  await browser.open()
  for (const path of pages())
    for (const view of VIEWS) {
      const found = await visit(browser, origin + path, view)
      await shoot(browser, join(SHOTS, `${path.slice(1).replace(/\W+/g, '-').replace(/-html$/, '')}-${view.name}.png`))
      seen++
      for (const f of found) { console.log(`${path} at ${view.name}: ${f}`); bad++ }
    }
  await browser.send('Page.addScriptToEvaluateOnNewDocument', { source: BY_KEYS })
  for (const path of pages().filter(p => readFileSync(join(DIST, p)).includes('class="vm-scene"')))
    for (const f of await playScenes(browser, origin, path)) { console.log(f); bad++ }
  for (const f of await search(browser, origin)) { console.log(f); bad++ }
} finally {
  await browser.close()
  server.close()
}
console.log(`book: ${seen} views of ${seen / VIEWS.length} pages and ${QUERIES.length} searches, ${bad} complaints; pictures in ${SHOTS}`)
process.exit(bad > 0 ? 1 : 0)
