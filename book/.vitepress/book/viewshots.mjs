// SPDX-License-Identifier: BSD-2-Clause
// viewshots.mjs: each view of a page of view.mjs, as a picture, and what is wrong with it
//
//   node book/.vitepress/book/viewshots.mjs FILE.html DIR [SHARE]
//
// Picture   page × width × light or dark: at SHARE (0.6) of the trace, a frame and a
//           process chosen ─→ DIR/view-1440-dark-v-map.png …
//
// Rules     1. What the console says, what is wider than the window, and a serious finding
//              of axe fail.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Browser, pause } from './chromium.mjs'
import { ROOT } from './data.mjs'

const [file, dir, share = '0.6'] = process.argv.slice(2)
const axe = readFileSync(join(ROOT, 'book/node_modules/axe-core/axe.min.js'), 'utf8')
const browser = new Browser()
let bad = 0, pictures = 0
const complain = text => { console.log(text); bad++ }

async function shoot(name, { x, y, width, height }) {
  const { data } = await browser.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, clip: { x, y, width, height: Math.min(height, 8000), scale: 1 } })
  writeFileSync(join(dir, `${name}.png`), Buffer.from(data, 'base64'))
  pictures++
}

async function look(width, dark) {
  const name = `view-${width}${dark ? '-dark' : ''}`
  await browser.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: width < 700 })
  await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] })
  await browser.send('Page.navigate', { url: 'about:blank' })
  await browser.send('Page.navigate', { url: `file://${resolve(file)}` })
  for (let n = 0; n < 3000 && !await browser.eval(`document.querySelector('.vtr .legend td')?.innerText !== '0' && !!document.querySelector('.vtr .views canvas')?.width`); n++) await pause(20)
  await browser.eval(`(async () => {
    const input = document.querySelector('.vtr input[type=range]'), map = document.querySelector('[aria-labelledby=v-map] .picture'), b = map.getBoundingClientRect()
    input.value = Math.round(input.max * ${Number(share)})
    input.dispatchEvent(new Event('input'))
    await new Promise(ok => setTimeout(ok, 600))
    map.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, clientX: b.x + b.width / 2, clientY: b.y + b.height / 2 }))
    await new Promise(ok => setTimeout(ok, 900))
  })()`)
  const { wide, beside, boxes } = await browser.eval(`({ wide: document.documentElement.scrollWidth - innerWidth,
    beside: document.querySelector('.vtr .time .strip').clientWidth - document.querySelector('.vtr input[type=range]').offsetWidth,
    boxes: [['all', document.body], ['v-time', document.querySelector('.vtr .time')], ...[...document.querySelectorAll('.vtr .views > section')].map(s => [s.getAttribute('aria-labelledby') ?? s.className, s])]
      .map(([id, e]) => { const b = e.getBoundingClientRect(); return [id, { x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height }] }) })`)
  if (wide > 0) complain(`${name}: wider than the window by ${wide} px`)
  if (beside !== 0) complain(`${name}: the slider is ${-beside} px wider than what it moves in`)
  for (const [id, box] of boxes) {
    if (box.height > 0) await shoot(`${name}-${id}`, box)
    else complain(`${name}: ${id} is empty`)
  }
  await browser.eval(`${axe}; 0`)
  for (const f of await browser.eval(`axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => v.id + ': ' + v.nodes.length + ' times, first ' + v.nodes[0].target.join(' ') + ' ' + (v.nodes[0].any[0]?.message ?? '').slice(0, 160)))`)) complain(`${name}: ${f}`)
}

mkdirSync(dir, { recursive: true })
try {
  await browser.open()
  browser.listeners.add(m => {
    if (m.method === 'Runtime.exceptionThrown') complain(m.params.exceptionDetails.exception?.description || m.params.exceptionDetails.text)
    if (m.method === 'Log.entryAdded' && ['error', 'warning'].includes(m.params.entry.level)) complain(m.params.entry.text)
  })
  for (const width of [1440, 390])
    for (const dark of [false, true]) await look(width, dark)
} finally {
  await browser.close()
}
console.log(`view: ${pictures} pictures in ${dir}, ${bad} complaints`)
process.exit(bad > 0 ? 1 : 0)
