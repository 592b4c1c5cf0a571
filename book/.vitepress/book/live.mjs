// SPDX-License-Identifier: BSD-2-Clause
// live.mjs: the trace of a guest that runs, in a page that follows it
//
//   node book/.vitepress/book/live.mjs TRACE.vtr
//
// Problem   A trace tells of a run that is over; a reader wants to type a command and
//           see what it does to memory.
//
// Picture   tools/guest --trace F.vtr --control F.qmp ─→ F.vtr, which grows
//           F.vtr ─looked at every TICK ms─→ server-sent events ─→ the page
//           the page ─POST /machine/stop, cont─→ F.qmp ─→ QEMU
//
// Rules     1. Only this machine is served, and only our own page may stop and cont.
//           2. A page that lost its line goes on at the byte that it has not.
//           3. A page that is slow is not waited for: each has a place in the file.
//           4. A file that begins anew is another run: its pages load themselves again.
//           5. From a write of the emulator's to the picture: a look at the file (TICK), a
//              pause of the page (theme/vtr/live.mjs), the painting.  Each piece says when
//              it was written, so that the page can say how late it is.  Measured with
//              eight other loads on two cores: half a second in the middle, 0.95 s at most.
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { basename, join, normalize } from 'node:path'
import { ROOT } from './data.mjs'
import { viewPage } from './viewpage.mjs'
import { headOf } from '../theme/vtr/replay.mjs'

const TICK = 20, PIECE = 1 << 20, HEAD = 1 << 14

const help = 'live.mjs TRACE.vtr: follows what tools/guest --trace TRACE.vtr --control TRACE.qmp writes'
const [trace] = process.argv.slice(2)
if (!trace || trace.startsWith('-')) {
  (trace === '--help' ? console.log : console.error)(help)
  process.exit(trace === '--help' ? 0 : 2)
}
const control = trace.replace(/\.vtr$/, '') + '.qmp'

// ---- the file ----

// Its bytes from a place on; null: there is none.
function read(from, most) {
  let fd
  try { fd = openSync(trace, 'r') } catch { return null }
  try {
    const { size, mtimeMs } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.max(0, Math.min(most, size - from)))
    return { size, written: mtimeMs, bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from)) }
  } finally { closeSync(fd) }
}

// Its head, when the guest has said what its events are; null: not yet.
function head() {
  const file = read(0, HEAD)
  if (!file || file.size < HEAD) return null
  try {
    const { t, named, start } = headOf(file.bytes.buffer.slice(0, HEAD))
    return named ? { start, ended: t.ended, bytes: file.bytes } : null
  } catch { return null }
}

// ---- the machine ----

// 'runs', 'stands', 'ended'; 'loose': nobody can stop it.
let machine = 'loose', qmp = null

function tell(what) {
  if (machine === what) return
  machine = what
  for (const c of clients) send(c, 'machine', machine)
}

function connect() {
  if (qmp || head()?.ended !== false) return
  const line = createConnection(control)
  let rest = ''
  qmp = line
  line.on('error', () => {})
  line.on('close', () => { qmp = null; if (machine !== 'ended') tell('loose') })
  line.on('data', d => {
    const lines = (rest + d).split('\n')
    rest = lines.pop()
    for (const m of lines.filter(l => l.trim()).map(l => JSON.parse(l))) {
      if (m.QMP) line.write('{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n')
      else if (m.return?.status) tell(m.return.running ? 'runs' : 'stands')
      else if (m.event === 'STOP') tell('stands')
      else if (m.event === 'RESUME') tell('runs')
    }
  })
}

// ---- the pages ----

const clients = new Set()

function send(c, event, data, id) {
  return c.res.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
}

let run = 0, size = 0
function tick() {
  const now = read(0, 0)?.size ?? 0
  if (now < size) {
    run++
    for (const c of clients) { send(c, 'again', ''); c.res.end() }
    clients.clear()
    machine = 'loose'
  }
  size = now
  const h = head()
  if (!h) return
  connect()
  for (const c of clients) {
    if (c.busy) continue
    if (c.at === 0) { send(c, 'head', h.bytes.subarray(0, h.start).toString('base64'), h.start); c.at = h.start }
    const piece = read(c.at, PIECE)
    if (piece?.bytes.length > 0) {
      c.at += piece.bytes.length
      c.busy = !send(c, 'records', `${Math.floor(piece.written)} ${piece.bytes.toString('base64')}`, c.at)
    } else if (h.ended && !c.ended) {
      c.ended = true
      send(c, 'machine', 'ended')
    }
  }
  if (h.ended) machine = 'ended'
}

function follow(req, res) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const c = { res, at: Number(req.headers['last-event-id'] ?? 0), busy: false, ended: false }
  clients.add(c)
  res.on('drain', () => { c.busy = false })
  res.on('close', () => clients.delete(c))
  if (machine !== 'ended') send(c, 'machine', machine)
}

const page = await viewPage(`${basename(trace)}: a guest that runs`, { names: [basename(trace)], story: {}, source: 'source/', live: true })

const server = createServer((req, res) => {
  const say = (status, text = '', type = 'text/plain; charset=utf-8') => { res.writeHead(status, { 'Content-Type': type }); res.end(text) }
  const own = `127.0.0.1:${server.address().port}`
  const url = new URL(req.url, `http://${own}`)
  const path = normalize(decodeURIComponent(url.pathname))
  if (req.headers.host !== own) return say(403)
  if (req.method === 'POST') {
    const what = path.match(/^\/machine\/(stop|cont)$/)?.[1]
    if (!what || req.headers.origin !== `http://${own}`) return say(403)
    if (!qmp) return say(409, 'nobody can stop this guest: start it with --control')
    qmp.write(`{"execute":"${what}"}\n`)
    return say(204)
  }
  if (path === '/') return say(200, page, 'text/html; charset=utf-8')
  if (path === '/events') return follow(req, res)
  if (path.startsWith('/source/kernel/')) {
    try { return say(200, readFileSync(join(ROOT, path.slice('/source/'.length)), 'utf8')) } catch { /* as below */ }
  }
  return say(404)
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`live: http://127.0.0.1:${server.address().port}/ follows ${trace}; Ctrl-C ends it`)
  if (!head()) console.log(`live: no guest writes it yet: make run LIVE=1, or tools/guest --trace ${trace} --control ${control} -- COMMAND`)
  setInterval(tick, TICK)
})
