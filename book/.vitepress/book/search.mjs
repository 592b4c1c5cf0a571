// SPDX-License-Identifier: BSD-2-Clause
// search.mjs: how the site's search weighs, and what it must answer
//
//   node book/.vitepress/book/search.mjs      the words below, asked of the built site
//
// Rules     1. A word of three letters is meant as it stands: nothing that is like it,
//              nothing that begins with it.  Words such as "who" and "when" ask nothing.
//           2. What stands in a heading comes before what stands below it, and a
//              chapter before the reference; the glossary before both.
//           3. A page whose readers say other words has them in its front matter:
//              also: { "10.1": copy on write, shared }, by the beginning of a heading.
//              All words of a question need not be there: those that are add up.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from './data.mjs'

// Sent to the page as text: each function stands for itself.
export const searchOptions = {
  fuzzy: term => (term.length > 4 ? 0.2 : false),
  prefix: term => term.length > 3,
  processTerm: term => (/^(a|and|are|do|does|how|i|in|is|it|of|on|the|to|what|when|where|which|who|why)$/i.test(term) ? null : term.toLowerCase()),
  boost: { title: 8, also: 8, text: 2, titles: 2 },
  boostDocument: (id, term, { titles }) => (id.includes('/glossary') ? 2 : /reference|g-speed/.test(id) ? 0.5 : 1) * (titles.length === 0 ? 2.5 : 1)
}

// The front matter's words are a field of their own: they stand between these signs below the
// heading that they belong to, in the index alone.
export const options = {
  fields: ['title', 'titles', 'text', 'also'],
  extractField: (section, name) => (name === 'also' ? section.text.match(/⟦(.*?)⟧/)?.[1] ?? '' : name === 'text' ? section.text.replace(/⟦.*?⟧/, '') : section[name])
}

export function withSynonyms(html, also) {
  for (const [begin, words] of Object.entries(also ?? {})) {
    const at = html.search(new RegExp(`<h[1-6][^>]*>\\s*${begin.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`))
    const end = at < 0 ? -1 : html.indexOf('</h', at) + 5
    if (end < 5) throw new Error(`front matter, also: no heading begins with ${begin}`)
    html = `${html.slice(0, end)}<p>⟦${words}⟧</p>${html.slice(end)}`
  }
  return html
}

// What learners type, and the page that is among the first three answers.
const WORDS = `
write when shared = ch10|who frees = ch11|fork = ch10|LRU = ch12|copy on write = ch10|COW = ch10 glossary|page fault = ch01 ch06|demand paging = ch01 ch06|zero page = ch06 ch01
mmap = ch05|munmap = ch05 unmap|brk = ch05|swap = ch13|thrashing = ch12|working set = ch12|clock = ch12|TLB = ch02 ch07 tlb|shootdown = ch07|invlpg = ch02 ch07|page table = ch02 ch14
CR3 = ch02 ch03 ch07|huge page = glossary|refcount = ch10 ch11 glossary|race = ch07|deadlock = deadlock ch07|lock order = locks ch07|page cache = ch09|readahead = ch09 ch13|msync = ch09|shared memory = ch08
anonymous memory = ch08|guard page = glossary ch05|segfault = glossary ch01|stack grows = ch05|ASLR = glossary ch05|buddy allocator = ch04|out of memory = ch04 ch12 ch13 commit|how do I debug = e-gdb d-bochs|trace = b-trace|amap = ch15
shadow object = glossary ch11 ch15 ch17 seeds|shadow chain = ch17|truncate = ch09 truncate|dirty page = ch09 ch12 ch13|accessed bit = ch12 ch02|soft fault = ch12|boot = ch03|last owner = ch11|error code = ch01 ch02|system call = c-syscalls|counters = a-counters
fault injection = ch22 injection|double fetch = ch22|SMAP = ch22 glossary|mutation testing = ch22|huge page on Linux = ch20 glossary|compressed memory = ch20 glossary|Multics = ch21|heisenbug = ch22`
  .trim().split(/[|\n]/).map(w => w.split(' = ')).map(([query, pages]) => [query, pages.split(' ')])

async function ask() {
  const chunks = join(ROOT, 'book/.vitepress/dist/assets/chunks')
  const { default: json } = await import(join(chunks, readdirSync(chunks).find(f => f.startsWith('@localSearchIndex'))))
  const { default: MiniSearch } = await import(join(ROOT, 'book/node_modules/minisearch/dist/es/index.js'))
  const index = MiniSearch.loadJSON(json, { ...options, storeFields: ['title', 'titles'], searchOptions })
  let bad = 0
  for (const [query, pages] of WORDS) {
    const first = index.search(query).slice(0, 3)
    if (first.some(r => pages.some(p => r.id.includes(`/${p}`)))) continue
    bad++
    console.log(`search for “${query}”: none of ${pages.join(', ')}, but ${first.map(r => `${r.id.replace('.html', '')} (${r.title})`).join('; ') || 'nothing'}`)
  }
  console.log(`search: ${WORDS.length} words, ${bad} without their page among the first three`)
  return bad
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await ask() > 0 ? 1 : 0)
