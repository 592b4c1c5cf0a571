// SPDX-License-Identifier: BSD-2-Clause
// browser.mjs: every page in headless Chromium, narrow and wide, light and dark
//
//   node book/.vitepress/book/browser.mjs DIR      screenshots go to DIR
//
// Problem   A site can build and still be blank, too wide, or full of errors
//           that only the console knows.
//
// Picture   static server ─→ Chromium, driven by its pipe (no packages)
//           page × width: load, errors? wider than the window? screenshot
//           then the search: type queries, expect results
//
// Rules     1. Any error or warning of the console fails.
//           2. Nothing but wide code and figures may scroll sideways.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { readFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, extname } from 'node:path'
import { ROOT } from './data.mjs'

const DIST = join(ROOT, 'book/.vitepress/dist')
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
  ['stack grow', ''], ['SMAP', ''], ['commit limit', ''], ['munmap', ''], ['glossary', '']
]
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' }

function pages(dir = DIST, base = '', out = []) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory() && !['assets', 'src'].includes(e.name)) pages(join(dir, e.name), `${base}/${e.name}`, out)
    else if (e.name.endsWith('.html')) out.push(`${base}/${e.name}`)
  }
  return out.filter(p => p !== '/404.html')
}

function serve() {
  const server = createServer((req, res) => {
    const path = join(DIST, decodeURIComponent(new URL(req.url, 'http://x').pathname))
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path
    if (!file.startsWith(DIST) || !existsSync(file)) {
      res.writeHead(404)
      return res.end()
    }
    res.writeHead(200, { 'Content-Type': TYPES[extname(file)] || 'application/octet-stream' })
    res.end(readFileSync(file))
  })
  return new Promise(ok => server.listen(0, '127.0.0.1', () => ok(server)))
}

// ---- Chromium by its pipe: messages of JSON, each ended by a zero byte ----

class Browser {
  constructor() {
    this.profile = mkdtempSync(join(tmpdir(), 'book-chromium-'))
    this.child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--hide-scrollbars', '--no-first-run', `--user-data-dir=${this.profile}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    this.next = 1
    this.waiting = new Map()
    this.listeners = new Set()
    let rest = ''
    this.child.stdio[4].on('data', d => {
      const parts = (rest + d.toString('utf8')).split('\0')
      rest = parts.pop()
      parts.forEach(p => this.receive(JSON.parse(p)))
    })
    this.child.on('exit', () => this.waiting.forEach(w => w.fail(new Error('chromium ended'))))
  }

  receive(m) {
    const w = this.waiting.get(m.id)
    if (w) {
      this.waiting.delete(m.id)
      if (m.error) w.fail(new Error(`${w.method}: ${m.error.message}`))
      else w.ok(m.result)
    } else this.listeners.forEach(l => l(m))
  }

  send(method, params = {}, sessionId = this.session) {
    const id = this.next++
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0')
    return new Promise((ok, fail) => this.waiting.set(id, { ok, fail, method }))
  }

  async open() {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' }, undefined)
    this.session = (await this.send('Target.attachToTarget', { targetId, flatten: true }, undefined)).sessionId
    for (const d of ['Page', 'Runtime', 'Log', 'Network']) await this.send(`${d}.enable`)
  }

  until(method, ms = 20000) {
    return new Promise((ok, fail) => {
      const timer = setTimeout(() => { this.listeners.delete(l); fail(new Error(`no ${method} in ${ms} ms`)) }, ms)
      const l = m => {
        if (m.method !== method) return
        clearTimeout(timer)
        this.listeners.delete(l)
        ok(m.params)
      }
      this.listeners.add(l)
    })
  }

  async eval(expression) {
    const r = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.text)
    return r.result.value
  }

  async close() {
    const gone = new Promise(ok => this.child.on('exit', ok))
    await this.send('Browser.close', {}, undefined).catch(() => {})
    await gone
    rmSync(this.profile, { recursive: true, force: true })
  }
}

const pause = ms => new Promise(ok => setTimeout(ok, ms))

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
    over: [...document.querySelectorAll('.vp-doc *')].filter(e => !e.closest('pre, table, .scroll-svg, div[class*=language-]') &&
      e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(e => e.tagName + ': ' + e.innerText?.slice(0, 40))
  })`)
  if (page.wide > 0) found.push(`wider than the window by ${page.wide} px: ${page.over.join('; ')}`)
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
  for (const f of await search(browser, origin)) { console.log(f); bad++ }
} finally {
  await browser.close()
  server.close()
}
console.log(`book: ${seen} views of ${seen / VIEWS.length} pages and ${QUERIES.length} searches, ${bad} complaints; pictures in ${SHOTS}`)
process.exit(bad > 0 ? 1 : 0)
