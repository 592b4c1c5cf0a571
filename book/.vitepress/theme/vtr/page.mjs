// SPDX-License-Identifier: BSD-2-Clause
// page.mjs: the viewer as a page of its own; a trace, or two, are in it, compressed,
// or one comes as it is made
import { createApp } from 'vue'
import VtrBeside from './VtrBeside.vue'
import VtrViewer from './VtrViewer.vue'
import { unpack } from './columns.mjs'
import './states.css'
import './vtr.css'

const { names, story, texts, source, live } = JSON.parse(document.getElementById('about').textContent)

// Dark as the reader's machine is; whoever paints hears of it.
const dark = matchMedia('(prefers-color-scheme: dark)')
function follow() {
  document.documentElement.classList.toggle('dark', dark.matches)
  dispatchEvent(new Event('dark'))
}
dark.addEventListener('change', follow)
follow()

async function load(k) {
  const text = atob(document.getElementById(`trace${k}`).textContent)
  const bytes = new Uint8Array(text.length)
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k)
  return unpack(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer())
}

const app = names.length === 2
  ? createApp(VtrBeside, { names, story, texts, source, load: [0, 1].map(k => () => load(k)) })
  : createApp(VtrViewer, { name: names[0], texts, source, ...(live ? { live } : { load: () => load(0) }) })
app.mount('#viewer')
