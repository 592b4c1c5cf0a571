// SPDX-License-Identifier: BSD-2-Clause
// chromium.mjs: the built site behind a port, and a headless Chromium
//
// Picture   static server ─→ Chromium, driven by its pipe: JSON messages, each
//           ended by a zero byte; so no package and no port is needed
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { readFileSync, existsSync, rmSync, statSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, extname } from 'node:path'
import { ROOT } from './data.mjs'

export const DIST = join(ROOT, 'book/.vitepress/dist')
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' }

export function serve() {
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

export class Browser {
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

  // sessionId null: the browser itself, not the page.
  send(method, params = {}, sessionId = this.session) {
    const id = this.next++
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId: sessionId ?? undefined }) + '\0')
    return new Promise((ok, fail) => this.waiting.set(id, { ok, fail, method }))
  }

  async open() {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' }, undefined)
    this.session = (await this.send('Target.attachToTarget', { targetId, flatten: true }, undefined)).sessionId
    for (const d of ['Page', 'Runtime', 'Log', 'Network']) await this.send(`${d}.enable`)
  }

  until(method, ms = 60000) {
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

export const pause = ms => new Promise(ok => setTimeout(ok, ms))
