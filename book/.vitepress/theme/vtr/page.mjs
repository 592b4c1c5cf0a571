// SPDX-License-Identifier: BSD-2-Clause
// page.mjs: the viewer as a page of its own; the trace is in it, compressed
import { createApp } from 'vue'
import VtrViewer from './VtrViewer.vue'
import './vtr.css'

const { name, texts, source } = JSON.parse(document.getElementById('about').textContent)

async function load() {
  const text = atob(document.getElementById('trace').textContent)
  const bytes = new Uint8Array(text.length)
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k)
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}

createApp(VtrViewer, { name, texts, source, load }).mount('#viewer')
