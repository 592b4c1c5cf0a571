// SPDX-License-Identifier: BSD-2-Clause
// view.mjs: a trace, or two beside each other, as one HTML file that needs no network
//
//   node book/.vitepress/book/view.mjs OUT.html TRACE [BESIDE [PARTING]]
//
// PARTING is what the grader says of the two (grading/judge/parting.c); without it
// tools/vtr diff says where they part.
//
// Picture   theme/vtr/ ─vite, once─→ build/view/viewer.js, .css
//           with the trace's columns, compressed, and what each event means ─→ OUT.html
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from '../theme/vtr/columns.mjs'
import { parse } from '../theme/vtr/replay.mjs'
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

// What the grader says of two traces: a key and its text in each line.
function storyOf(file) {
  const story = { failed: [], regions: [], seq: [] }
  for (const [, key, text] of readFileSync(file, 'utf8').matchAll(/^(\w+) (.*)$/gm)) {
    const [first, last, name] = text.split(' ')
    if (key === 'yours' || key === 'reference') story.seq.push(Number(text))
    else if (key === 'region') story.regions.push({ first: Number(first), last: Number(last), name })
    else if (key === 'failed') story.failed.push(text)
    else story[key] = text
  }
  return story
}
function diffOf(a, b) {
  const said = spawnSync(join(ROOT, 'tools/vtr'), ['diff', a, b], { encoding: 'utf8' }).stdout
  return { seq: ['A', 'B'].map(x => Number(said.match(new RegExp(`^  ${x} (\\d+) `, 'm'))?.[1] ?? 0)) }
}

const [out, ...files] = process.argv.slice(2)
const traces = files.slice(0, 2)
if (traces.length === 0) {
  console.error('view.mjs OUT.html TRACE [BESIDE [PARTING]]')
  process.exit(2)
}
const packed = traces.map(trace => {
  const { buffer, byteOffset, byteLength } = readFileSync(trace)
  try {
    return pack(parse(buffer.slice(byteOffset, byteOffset + byteLength)))
  } catch (e) {
    console.error(`${trace}: ${e.message}`)
    process.exit(2)
  }
})
const story = traces.length < 2 ? {} : files[2] ? storyOf(files[2]) : diffOf(...traces)
const names = files[2] ? ['yours', 'the reference'] : traces.map(f => basename(f))
const at = places()
const texts = Object.fromEntries(events.map(e => [e.name, { text: e.text, ...at[e.name.replaceAll('.', '_')] }]))
const source = `${relative(dirname(resolve(out)), ROOT) || '.'}/`
const { js, css } = await viewer()
const safe = s => s.replace(/<\/(script|style)/gi, '<\\/$1')
mkdirSync(dirname(resolve(out)), { recursive: true })
writeFileSync(out, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${story.test ?? names.join(', ')}: ${traces.length === 2 ? 'two traces' : 'a trace'} of Vadose</title><link rel="icon" href="data:,"><style>body { margin: 0; } ${css}</style></head><body><div id="viewer"></div>
<script type="application/json" id="about">${safe(JSON.stringify({ names, story, texts, source }))}</script>
${packed.map((p, k) => `<script type="text/plain" id="trace${k}">${gzipSync(p).toString('base64')}</script>`).join('\n')}
<script>${safe(js)}</script></body></html>
`)
console.log(`view: ${out} (${Math.ceil(statSync(out).size / 1024)} kB); a browser shows it, without a network`)
