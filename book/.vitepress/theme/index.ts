// SPDX-License-Identifier: BSD-2-Clause
// index.ts: the default theme, our colours, a cue on what is too wide, and what a
// screen reader needs
import DefaultTheme from 'vitepress/theme-without-fonts'
import { h, nextTick, onMounted, onUnmounted, watch } from 'vue'
import { useRoute } from 'vitepress'
import './book.css'
import './scene/scene.css'
import './vtr/states.css'
import VmScene from './scene/VmScene.vue'
import VmAsk from './ask/VmAsk.vue'
import FrameLife from './vtr/FrameLife.vue'

// Figures, tables and code that are wider than the window scroll; telephones hide
// their scroll bars, so half of a drawing could go unseen.  data-more says on
// which side there is more; book.css shows it.
const WIDE = '.fig .drawing, .fig .scroll-svg, .vp-doc table, .vp-doc div[class*="language-"] pre'

function mark(e: HTMLElement) {
  const right = e.scrollWidth - e.clientWidth - e.scrollLeft > 4
  const left = e.scrollLeft > 4
  const at = (e.closest('.fig, div[class*="language-"]') ?? e) as HTMLElement
  if (right || left) at.dataset.more = [left && 'left', right && 'right'].filter(Boolean).join(' ')
  else delete at.dataset.more
}

function markAll() {
  document.querySelectorAll<HTMLElement>(WIDE).forEach(e => {
    e.onscroll = () => mark(e)
    mark(e)
  })
}

// What a screen reader stumbles over in the default theme: a button within a
// button, and a label that is not what is shown.
function mend() {
  document.querySelectorAll('.VPSidebarItem.collapsible > .item[role="button"]').forEach(e => {
    e.removeAttribute('role')
    e.removeAttribute('tabindex')
  })
  document.querySelectorAll<HTMLElement>('.DocSearch-Button').forEach(e => {
    if (e.innerText.trim()) e.removeAttribute('aria-label')
    else e.setAttribute('aria-label', 'Search')
  })
}

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'home-hero-image': () => h(FrameLife) }),
  enhanceApp({ app }) { app.component('VmScene', VmScene).component('FrameLife', FrameLife).component('VmAsk', VmAsk) },
  setup() {
    const route = useRoute()
    const all = () => { markAll(); mend() }
    const later = () => nextTick(all)
    onMounted(() => {
      later()
      addEventListener('resize', all)
      addEventListener('load', markAll) // fonts have their widths now
      document.addEventListener('toggle', markAll, true) // a spoiler was opened
    })
    onUnmounted(() => removeEventListener('resize', all))
    watch(() => route.path, later)
  }
}
