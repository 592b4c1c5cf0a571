// SPDX-License-Identifier: BSD-2-Clause
// view.mjs: a trace, or two beside each other, as one HTML file that needs no network
//
//   node book/.vitepress/book/view.mjs OUT.html TRACE [BESIDE [PARTING]]
//
// PARTING is what the grader says of the two (grading/judge/parting.c); without it
// tools/vtr diff says where they part.
//
// Picture   viewpage.mjs, with the trace's columns, compressed ─→ OUT.html
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from '../theme/vtr/columns.mjs'
import { parse } from '../theme/vtr/replay.mjs'
import { ROOT } from './data.mjs'
import { viewPage } from './viewpage.mjs'

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
const source = `${relative(dirname(resolve(out)), ROOT) || '.'}/`
mkdirSync(dirname(resolve(out)), { recursive: true })
writeFileSync(out, await viewPage(`${story.test ?? names.join(', ')}: ${traces.length === 2 ? 'two traces' : 'a trace'} of Vadose`, { names, story, source },
  packed.map((p, k) => `<script type="text/plain" id="trace${k}">${gzipSync(p).toString('base64')}</script>`).join('\n')))
console.log(`view: ${out} (${Math.ceil(statSync(out).size / 1024)} kB); a browser shows it, without a network`)
