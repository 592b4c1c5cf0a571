// SPDX-License-Identifier: BSD-2-Clause
// viewspeed.mjs: how fast a page of view.mjs loads and scrubs, in headless Chromium
//
//   node book/.vitepress/book/viewspeed.mjs FILE.html
//
// Rules     1. Loaded: from the navigation to the first picture of the trace.
//           2. Scrubbed: each frame of the screen another moment, to and fro; what
//              counts is frames a second; the screen's own pace is 60 at most.
//           3. On a machine that has other work the time of the clock says little:
//              beside it stands what Chromium's processes have worked.
import { resolve } from 'node:path'
import { Browser, pause } from './chromium.mjs'

const browser = new Browser()
try {
  await browser.open()
  await browser.send('Emulation.setDeviceMetricsOverride', { width: 1440, height: 900, deviceScaleFactor: 1, mobile: false })
  const work = async () => (await browser.send('SystemInfo.getProcessInfo', {}, null)).processInfo.reduce((n, p) => n + p.cpuTime, 0)
  const before = await work()
  const begun = performance.now()
  await browser.send('Page.navigate', { url: `file://${resolve(process.argv[2])}` })
  for (let n = 0; n < 3000 && !await browser.eval(`!!document.querySelector('.vtr .views canvas')?.width && document.querySelector('.vtr .legend td')?.innerText !== '0'`); n++) await pause(10)
  const loaded = performance.now() - begun, opened = await work()
  const { events, frames, ms } = await browser.eval(`(async () => {
    const input = document.querySelector('.vtr input[type=range]'), n = Number(input.max), begun = performance.now()
    const next = () => new Promise(requestAnimationFrame)
    let frames = 0
    for (let k = 0; k < 120; k++) {
      input.value = Math.round(n * (1 - Math.abs(1 - k / 60)))
      input.dispatchEvent(new Event('input'))
      await next()
      frames++
    }
    return { events: n + 1, frames, ms: performance.now() - begun }
  })()`)
  const scrubbed = await work() - opened
  console.log(`view: ${events} events loaded in ${Math.round(loaded)} ms (work: ${Math.round((opened - before) * 1000)} ms), ` +
    `scrubbed at ${Math.round(frames / ms * 1000)} frames a second (work: ${(scrubbed / frames * 1000).toFixed(1)} ms a frame)`)
} finally {
  await browser.close()
}
