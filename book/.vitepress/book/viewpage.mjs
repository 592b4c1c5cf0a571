// SPDX-License-Identifier: BSD-2-Clause
// viewpage.mjs: the trace viewer as one HTML page
//
// Picture   theme/vtr/ ─vite, once─→ build/view/viewer.js, .css
//           with what it is about, and what else the page holds ─→ HTML
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, events } from './data.mjs'

const THEME = join(ROOT, 'book/.vitepress/theme/vtr')
const MADE = join(ROOT, 'build/view')

async function viewer() {
  const js = join(MADE, 'viewer.js')
  const newest = Math.max(...readdirSync(THEME).map(f => statSync(join(THEME, f)).mtimeMs))
  if (!existsSync(js) || statSync(js).mtimeMs < newest) {
    const { build } = await import('vite')
    const { default: vue } = await import('@vitejs/plugin-vue')
    await build({
      root: join(ROOT, 'book'), configFile: false, logLevel: 'warn', plugins: [vue()], define: { 'process.env.NODE_ENV': '"production"' },
      build: { outDir: MADE, emptyOutDir: true, cssCodeSplit: false, lib: { entry: join(THEME, 'page.mjs'), formats: ['iife'], name: 'viewer', fileName: () => 'viewer.js', cssFileName: 'viewer' } }
    })
  }
  const css = readdirSync(MADE).find(f => f.endsWith('.css'))
  return { js: readFileSync(js, 'utf8'), css: readFileSync(join(MADE, css), 'utf8') }
}

// Where in the kernel each event is counted: the first place.
function places() {
  const found = {}
  const walk = dir => {
    for (const e of readdirSync(join(ROOT, dir), { withFileTypes: true })) {
      if (e.isDirectory()) { if (e.name !== 'test') walk(`${dir}/${e.name}`) }
      else if (e.name.endsWith('.c'))
        readFileSync(join(ROOT, dir, e.name), 'utf8').split('\n').forEach((l, n) => {
          if (!/^\s*\*|^\/\*/.test(l)) for (const m of l.matchAll(/\bEVENT(?:_ADD)?\((\w+)/g)) found[m[1]] ??= { file: `${dir}/${e.name}`, line: n + 1 }
        })
    }
  }
  walk('kernel')
  return found
}

const safe = s => s.replace(/<\/(script|style)/gi, '<\\/$1')

// about: what page.mjs reads, but for the texts; more: what else stands in the page.
export async function viewPage(title, about, more = '') {
  const at = places()
  const texts = Object.fromEntries(events.map(e => [e.name, { text: e.text, ...at[e.name.replaceAll('.', '_')] }]))
  const { js, css } = await viewer()
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><link rel="icon" href="data:,"><style>body { margin: 0; } ${css}</style></head><body><div id="viewer"></div>
<script type="application/json" id="about">${safe(JSON.stringify({ ...about, texts }))}</script>
${more}
<script>${safe(js)}</script></body></html>
`
}
