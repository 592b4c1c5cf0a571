// SPDX-License-Identifier: BSD-2-Clause
// paint.mjs: states of frames, slots and pages as cells of a picture
import { STATES } from './replay.mjs'

// By number; those behind STATES are UNKNOWN, OUT and GONE.
export const NAMES = [...STATES, 'as at boot', 'on disk', 'gone']

// Words of the picture by state, from the page's style, so that dark is dark.
export function coloursOf(el) {
  const style = getComputedStyle(el)
  return NAMES.map((_, s) => {
    const c = parseInt(style.getPropertyValue(`--s${s}`).trim().slice(1), 16)
    return 255 << 24 | (c & 0xff) << 16 | c & 0xff00 | c >> 16
  })
}

// A picture of w × h cells, each a state; below 0: none.
export function paint(el, w, h, colours, stateOf) {
  if (!el || w < 1 || h < 1) return
  if (el.width !== w || el.height !== h) { el.width = w; el.height = h }
  const ctx = el.getContext('2d')
  const image = ctx.createImageData(w, h)
  const out = new Uint32Array(image.data.buffer)
  for (let k = 0; k < w * h; k++) {
    const s = stateOf(k)
    if (s >= 0) out[k] = colours[s]
  }
  ctx.putImageData(image, 0, 0)
}

// How many cells lie in a row where n have about the form of a screen, and rows.
export const across = n => Math.max(1, Math.ceil(Math.sqrt(n * 1.9)))
export const rows = (n, w) => Math.ceil(n / w)

export const group = n => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
