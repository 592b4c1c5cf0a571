// SPDX-License-Identifier: BSD-2-Clause
// livecheck.mjs: the page of a guest that runs, in headless Chromium
//
//   node book/.vitepress/book/livecheck.mjs DIR GUEST [option…]
//                    GUEST: tools/guest, with options; DIR: its trace, and pictures
//
// Picture   the guest works and sleeps by turns; the page follows, stops it, lets it go
//           on by one step, lets it run, sees its end
//
// Rules     1. The page's events are the file's, all of them; what its frames are at
//              the end is what a replay of the file says.
//           2. A machine that stands has no new event.
//           3. The page keeps the newest MOST at most, and says how many it has no more.
//           4. How far a picture is behind the guest is said, and not judged: it is the host's.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Browser, pause } from './chromium.mjs'
import { Replay, parse } from '../theme/vtr/replay.mjs'

const [dir, guest, ...options] = process.argv.slice(2)
const trace = join(dir, 'live.vtr')
const WORK = 'for k in 1 2 3 4 5 6; do seq 1 400 | sort -r | tail -n 1; sleep 1; done; while [ ! -e /never ]; do sleep 1; done'
const server = spawn('node', [join(dirname(fileURLToPath(import.meta.url)), 'live.mjs'), trace], { stdio: ['ignore', 'pipe', 'inherit'] })
const browser = new Browser()
const MOST = 8000
const delays = []
let machine, bad = 0
const check = (good, what) => { console.log(`${good ? 'ok  ' : 'NOT '} ${what}`); if (!good) bad++ }

async function page() {
  const p = await browser.eval(`(() => {
  const input = document.querySelector('.vtr input[type=range]'), said = document.querySelector('.vtr .machine')?.innerText ?? ''
  const numberIn = e => Number(document.querySelector(e)?.innerText.replaceAll(/[^0-9]/g, '') ?? 0)
  return { has: input ? Number(input.max) + 1 : 0, gone: numberIn('.vtr .dropped'), late: numberIn('.vtr .late'), at: input ? Number(input.value) : -1, said, moment: document.querySelector('.vtr .moment code')?.innerText ?? '',
    counts: [...document.querySelectorAll('.vtr .legend td')].map(e => Number(e.innerText.replaceAll(',', ''))) } })()`)
  if (p.late > 0 && p.late !== delays.at(-1)) delays.push(p.late)
  return { ...p, n: p.gone + p.has, at: p.gone + p.at } // as the file has them
}
const press = text => browser.eval(`[...document.querySelectorAll('.vtr button')].find(b => b.innerText.startsWith(${JSON.stringify(text)})).click()`)
async function until(what, good, ms = 60000) {
  for (const begun = performance.now(); performance.now() - begun < ms; await pause(30)) {
    const p = await page()
    if (good(p)) return p
  }
  const p = await page()
  check(false, `${what}: ${JSON.stringify({ ...p, counts: undefined })}`)
  return p
}
async function picture(name, width, height, dark) {
  await browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 700 })
  await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] })
  await pause(400)
  const { data } = await browser.send('Page.captureScreenshot', { format: 'png' })
  writeFileSync(join(dir, `${name}.png`), Buffer.from(data, 'base64'))
}

try {
  const address = await new Promise(ok => server.stdout.once('data', d => ok(String(d).match(/http\S+/)[0])))
  await browser.open()
  await browser.send('Emulation.setDeviceMetricsOverride', { width: 1440, height: 900, deviceScaleFactor: 1, mobile: false })
  await browser.send('Page.navigate', { url: `${address}?events=${MOST}` }) // before there is a guest
  await pause(300)
  machine = spawn(guest, [...options, '--trace', trace, '--control', join(dir, 'live.qmp'), '--', 'sh', '-c', WORK], { stdio: 'ignore' })
  const ended = new Promise(ok => machine.on('exit', ok))

  const first = await until('it runs', p => p.n > 0 && p.said.startsWith('The machine runs'))
  const more = await until('the page follows', p => p.n > first.n && p.at >= p.n - 1)
  check(more.n > first.n, `the page follows: ${first.n} events, then ${more.n}`)

  await press('Stop')
  await until('it stands', p => p.said.startsWith('The machine stands'))
  await pause(700)
  const stood = await page()
  await pause(700)
  const still = await page()
  check(still.n === stood.n && stood.said.startsWith('The machine stands'), `no event in 700 ms of a machine that stands: ${stood.n}, ${still.n}`)
  await picture('live-1440', 1440, 900, false)
  await picture('live-390-dark', 390, 844, true)
  await picture('live-1440-dark', 1440, 900, true)

  for (let k = 0; k < 3; k++) { // what is there is stepped through first
    const before = await page(), begun = performance.now()
    await browser.eval(`(() => { const i = document.querySelector('.vtr input[type=range]'); i.value = i.max; i.dispatchEvent(new Event('input')) })()`)
    await pause(50)
    await press('next')
    const after = await until('a step ends', p => p.at >= before.n && p.said.startsWith('The machine stands'))
    check(after.at >= before.n && after.moment.startsWith('fault.'), `a step to event ${after.at + 1}, ${after.moment}, of ${after.n} (${before.n} before), in ${Math.round(performance.now() - begun)} ms`)
    await pause(400)
  }
  const last = await page()
  await press('Let it run')
  await press('Follow')
  const again = await until('it goes on', p => p.n > last.n && p.at >= p.n - 1)
  check(again.n > last.n, `it goes on: ${again.n}`)

  machine.kill('SIGTERM')
  await ended
  await until('its end is seen', p => p.said.startsWith('The machine has ended'))
  await pause(400)
  const { buffer, byteOffset, byteLength } = readFileSync(trace)
  const replay = new Replay(parse(buffer.slice(byteOffset, byteOffset + byteLength)))
  const at = await page(), counts = replay.seek(replay.t.n - 1).counts()
  check(at.n === replay.t.n, `the page has ${at.has} events and ${at.gone} no more, the file ${replay.t.n}`)
  check(at.gone > 0 && at.has < MOST, `at most ${MOST} are kept`)
  delays.sort((a, b) => a - b)
  check(delays.length > 0, `a picture is ${delays[delays.length >> 1]} ms behind what the emulator wrote, at most ${delays.at(-1)} ms, of ${delays.length} that were looked at`)
  check(at.counts.join() === [2, 3, 4, 5, 6, 0, 1, 7, 9].map(s => counts[s]).join(), `frames by state at the end: ${at.counts.join(' ')}`)
} finally {
  machine?.kill('SIGTERM')
  server.kill()
  await browser.close()
}
process.exit(bad > 0 ? 1 : 0)
