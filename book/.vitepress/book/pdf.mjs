// SPDX-License-Identifier: BSD-2-Clause
// pdf.mjs: the page that holds all chapters, printed by Chromium
//
//   node book/.vitepress/book/pdf.mjs FILE
import { writeFileSync } from 'node:fs'
import { Browser, pause, serve } from './chromium.mjs'

const server = await serve()
const browser = new Browser()
try {
  await browser.open()
  const loaded = browser.until('Page.loadEventFired')
  await browser.send('Page.navigate', { url: `http://127.0.0.1:${server.address().port}/print.html` })
  await loaded
  await pause(500)
  await browser.eval('document.querySelectorAll("details.answer").forEach(d => { d.open = true })')
  const { data } = await browser.send('Page.printToPDF', {
    printBackground: true, paperWidth: 8.27, paperHeight: 11.69, marginTop: 0.7, marginBottom: 0.7, marginLeft: 0.7,
    marginRight: 0.7, displayHeaderFooter: true, headerTemplate: '<span></span>', generateDocumentOutline: true,
    footerTemplate: '<div style="width:100%;text-align:center;font-size:8px"><span class="pageNumber"></span></div>'
  })
  const pdf = Buffer.from(data, 'base64')
  writeFileSync(process.argv[2], pdf)
  // Paper and a file have no site beside them.
  const local = pdf.toString('latin1').match(/URI \(http:\/\/127\.[^)]*/g)
  if (local) throw new Error(`book: ${local.length} links lead to the server that printed it, first ${local[0]}`)
  console.log(`book: ${process.argv[2]}, ${(pdf.toString('latin1').match(/\/Type ?\/Page\b/g) || []).length} pages`)
} finally {
  await browser.close()
  server.close()
}
