// SPDX-License-Identifier: BSD-2-Clause
// figures.mjs: does each drawing hold its text?
//
//   node book/.vitepress/book/figures.mjs [DIR]    DIR: drawings instead of book/figures
//
// Problem   SVG neither breaks nor clips a line: a text that is too long runs
//           over the border of its box, and the author's font was narrower.
//
// Picture   pages ─→ drawings ─→ one page with the book's style, in Chromium
//           ─→ each text against boxes, edge, other texts ─→ page:line: figure
//
// Rules     1. A text stands wholly within a box, or wholly outside it.
//           2. No text leaves the drawing, and no two lie on each other.
//           3. On a telephone a drawing fits, or its frame scrolls to all of it;
//              its letters are 9 px or larger.
import { readFileSync, readdirSync, existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from './data.mjs'
import { expandPage } from './page.mjs'
import { Browser } from './chromium.mjs'

const BOOK = join(ROOT, 'book')
const DIR = process.argv[2] || join(BOOK, 'figures')
const WIDTHS = [1440, 390]

function pages(dir, out = []) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory() && !/^(\.|node_modules)/.test(e.name)) pages(join(dir, e.name), out)
    else if (e.name.endsWith('.md')) out.push(join(dir, e.name))
  }
  return out
}

// The drawings of a page: files, and those that are made of a table, or of a run.
function* drawings(file) {
  const text = readFileSync(file, 'utf8'), at = relative(ROOT, file)
  const lines = text.split('\n')
  for (const [i, l] of lines.entries()) {
    const m = l.match(/^```@figure (\S+\.svg)/)
    const svg = m && join(DIR, m[1])
    if (m && existsSync(svg)) yield { at: `${at}:${i + 1}: figure ${m[1]}`, svg: readFileSync(svg, 'utf8') }
  }
  if (/^(@where|```@(curves|six))/m.test(text))
    for (const [svg] of expandPage(relative(BOOK, file), text.replace(/^```@figure \S+\.svg[\s\S]*?^```/gm, '')).text.matchAll(/<svg[\s\S]*?<\/svg>/g))
      yield { at: `${at}:1: figure "${svg.match(/aria-label="([^"]*)/)?.[1] ?? ''}"`, svg }
}

// In the page: what is wrong with the n-th drawing?
const MEASURE = `(() => {
  const px = x => Math.ceil(x)
  const inside = (a, b, by = 0) => a.left >= b.left + by && a.right <= b.right - by && a.top >= b.top && a.bottom <= b.bottom
  const apart = (a, b) => a.left >= b.right || a.right <= b.left || a.top >= b.bottom || a.bottom <= b.top
  // A line of text is higher than its letters.
  const letters = e => {
    const r = e.getBoundingClientRect(), cut = r.height / 5
    return { left: r.left, right: r.right, top: r.top + cut, bottom: r.bottom - cut }
  }
  return [...document.querySelectorAll('.scroll-svg')].map(frame => {
    const bad = [], svg = frame.querySelector('svg')
    // The view box, as it is drawn: the element may be wider.
    const at = svg.getScreenCTM(), view = svg.viewBox.baseVal, scale = at.a
    const edge = new DOMRect(at.a * view.x + at.e, at.d * view.y + at.f, view.width * at.a, view.height * at.d)
    const texts = [...svg.querySelectorAll('text')].map(e => ({ e, r: letters(e), say: '"' + e.textContent.slice(0, 60) + '"' }))
    const boxes = [...svg.querySelectorAll('rect')].map(e => e.getBoundingClientRect())
    for (const t of texts) {
      if (!inside(t.r, edge)) bad.push(t.say + ' leaves the drawing by ' + px(Math.max(edge.left - t.r.left, t.r.right - edge.right, edge.top - t.r.top, t.r.bottom - edge.bottom)) + ' px')
      for (const b of boxes)
        if (!apart(t.r, b) && !inside(t.r, b, scale)) {
          bad.push(t.say + ' leaves its box by ' + px(Math.max(b.left + scale - t.r.left, t.r.right - b.right + scale, b.top - t.r.top, t.r.bottom - b.bottom)) + ' px')
          break
        }
      const other = texts.find(o => o.e !== t.e && texts.indexOf(o) > texts.indexOf(t) && !apart(t.r, o.r))
      if (other) bad.push(t.say + ' lies on ' + other.say)
      const size = parseFloat(getComputedStyle(t.e).fontSize) * scale
      if (size < 9) bad.push(t.say + ' is ' + size.toFixed(1) + ' px high')
    }
    if (svg.clientWidth > frame.clientWidth + 1 && (frame.scrollWidth < svg.clientWidth || getComputedStyle(frame).overflowX !== 'auto'))
      bad.push('cut at the right by ' + px(svg.clientWidth - frame.clientWidth) + ' px, and does not scroll')
    return bad
  })
})()`

const all = pages(BOOK).filter(f => !f.endsWith('README.md')).flatMap(f => [...drawings(f)])
const style = readFileSync(join(BOOK, '.vitepress/theme/book.css'), 'utf8')
const html = `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>body { margin: 24px; max-width: 688px }
${style}</style><div class="vp-doc">${all.map(d => `<figure class="fig"><div class="scroll-svg">${d.svg.replace(/<\?xml.*?\?>/, '')}</div></figure>`).join('\n')}</div>`

let findings = 0
const browser = new Browser()
try {
  await browser.open()
  for (const width of WIDTHS) {
    await browser.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: width < 700 })
    const { frameTree } = await browser.send('Page.getFrameTree')
    await browser.send('Page.setDocumentContent', { frameId: frameTree.frame.id, html })
    await browser.eval('document.fonts.ready.then(() => 0)')
    for (const [i, bad] of (await browser.eval(MEASURE)).entries())
      for (const b of bad) {
        console.log(`${all[i].at}: at ${width} pixels ${b}\n    remedy: shorten the text, or widen its box`)
        findings++
      }
  }
} finally {
  await browser.close()
}
console.log(`book: ${all.length} drawings at ${WIDTHS.join(' and ')} pixels, ${findings} texts out of their boxes`)
process.exit(findings > 0 || all.length === 0 ? 1 : 0)
