// SPDX-License-Identifier: BSD-2-Clause
// page.mjs: the viewer as a page of its own; the trace is in it, compressed
import { createApp } from 'vue'
import VtrViewer from './VtrViewer.vue'
import './vtr.css'

const { name, texts, source } = JSON.parse(document.getElementById('about').textContent)

async function load() {
  const text = atob(document.getElementById('trace').textContent.trim())
  const bytes = Uint8Array.from({ length: text.length }, (_, k) => text.charCodeAt(k))
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}

createApp(VtrViewer, { name, texts, source, load }).mount('#viewer')
