// SPDX-License-Identifier: BSD-2-Clause
// config.mts: the site: chapters in the side bar, our Markdown, source listings
import { defineConfig, type DefaultTheme } from 'vitepress'
import { mkdirSync, writeFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
// @ts-ignore: plain JavaScript, shared with the check that needs no packages
import { ROOT, parts, referencePages } from './book/data.mjs'
// @ts-ignore
import { expandPage, escapeHtml } from './book/page.mjs'
// @ts-ignore
import { options, searchOptions, withSynonyms } from './book/search.mjs'
// @ts-ignore
import { sourceLines } from './book/symbol.mjs'

const shown = new Set<string>()

// A source file as a page of its own: lines with numbers and anchors.
function listing(path: string): string {
  const lines: string[] = sourceLines(ROOT, path) ?? []
  const rows = lines.map((l, i) => `<a id="L${i + 1}" href="#L${i + 1}">${String(i + 1).padStart(4)}</a>  ${escapeHtml(l)}`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${path}</title><style>:root{color-scheme:light dark}body{margin:1rem;font:13px/1.5 monospace}
pre{tab-size:8;overflow-x:auto}a{color:#888;text-decoration:none;scroll-margin-top:5rem}a:target{background:#fd08;color:inherit}</style>
<h1 style="font-size:1.1rem">${path}</h1><pre>${rows.join('\n')}</pre></html>\n`
}

function sidebar(): DefaultTheme.SidebarItem[] {
  const items: DefaultTheme.SidebarItem[] = parts.map((p: any) => ({
    text: p.title,
    items: p.chapters.map((c: any) => ({ text: `${c.n}. ${c.title}`, link: '/' + c.file.replace(/\.md$/, '') }))
  }))
  items.push({
    text: 'Reference',
    collapsed: true,
    items: [{ text: 'How to use it', link: '/reference/' },
      ...referencePages.map((p: any) => ({ text: p.title, link: '/reference/' + p.file.replace(/\.md$/, '') }))]
  })
  items.push({
    text: 'Appendices',
    items: [
      { text: 'A. Counters and trace events', link: '/appendix/a-counters' },
      { text: 'B. Trace events and their format', link: '/appendix/b-trace' },
      { text: 'C. System calls', link: '/appendix/c-syscalls' },
      { text: 'D. Stepping with Bochs', link: '/appendix/d-bochs' },
      { text: 'E. The kernel in gdb', link: '/appendix/e-gdb' },
      { text: 'F. Glossary', link: '/glossary' },
      { text: 'G. Where the instructions go', link: '/appendix/g-speed' },
      { text: 'H. Other machines than Debian 12', link: '/appendix/h-machines' }
    ]
  })
  return items
}

export default defineConfig({
  title: 'Vadose',
  description: 'Virtual memory, read in a kernel that runs',
  lang: 'en',
  srcExclude: ['sessions/**', 'figures/**', 'runs/**', 'node_modules/**', 'README.md'],
  lastUpdated: false,
  metaChunk: true,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      md.core.ruler.before('normalize', 'book', (state: any) => {
        const rel = state.env?.relativePath
        if (!rel) return
        const page = expandPage(rel, state.src)
        if (page.errors.length > 0) {
          const e = page.errors[0]
          throw new Error(`book/${rel}:${e.line}: ${e.error}; ${e.remedy}`)
        }
        page.items.filter((it: any) => it.kind === 'excerpt' || it.kind === 'listing').forEach((it: any) => shown.add(it.path))
        state.src = page.text
      })
    }
  },
  vite: {
    plugins: [{
      name: 'book-sources',
      configureServer(server) {
        server.middlewares.use((req, res, next) => {
          const m = req.url?.match(/^\/src\/((?:kernel|tools)\/[\w./-]+)\.html/)
          if (!m || m[1].includes('..') || !existsSync(join(ROOT, m[1]))) return next()
          res.setHeader('Content-Type', 'text/html; charset=utf-8')
          res.end(listing(m[1]))
        })
      },
      handleHotUpdate({ server, file }) {
        if (/\.(svg|json|counters|out|step)$/.test(file)) server.ws.send({ type: 'full-reload' })
      }
    }]
  },
  buildEnd(site) {
    for (const path of shown) {
      const out = join(site.outDir, 'src', `${path}.html`)
      mkdirSync(dirname(out), { recursive: true })
      writeFileSync(out, listing(path))
    }
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        miniSearch: { options, searchOptions },
        _render(src: string, env: any, md: any) {
          const html = md.render(src, env)
          return env.frontmatter?.search === false ? '' : withSynonyms(html, env.frontmatter?.also)
        }
      }
    },
    nav: [
      { text: 'Contents', link: '/contents' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Counters', link: '/appendix/a-counters' },
      { text: 'Glossary', link: '/glossary' }
    ],
    sidebar: sidebar(),
    outline: { level: [2, 3], label: 'On this page' },
    docFooter: { prev: 'Before', next: 'Next' },
    footer: { message: 'Text CC BY 4.0, code BSD-2-Clause.' }
  }
})
