// SPDX-License-Identifier: BSD-2-Clause
// flesch.mjs: how easily does each chapter read?
//
//   node book/.vitepress/book/flesch.mjs [-v]    -v: its five hardest sentences, too
//
// Flesch's reading ease: 206.835 - 1.015 words a sentence - 84.6 syllables a word;
// 60 is plain English.  Counted are paragraphs and lists, in boxes, too; not code,
// names in backticks, tables, headings, figures.  A lower score than FLOOR fails.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, chapters } from './data.mjs'

const FLOOR = 55
export const LONGEST = 60 // words of a sentence
// Chapters that may be lower, each with its reason.
const MAY = {}

// Vowel groups; a silent e at the end, as in "page" and "mapped", is none.
export function syllables(word) {
  const w = word.toLowerCase().replace(/[^a-z]/g, '')
  if (w.length <= 3) return 1
  const n = w.replace(/(?:[^lcgsxzhaeiouy]es|[^aeioutd]ed|[^laeiouy]e)$/, '').replace(/^y/, '').match(/[aeiouy]{1,2}/g)?.length ?? 1
  return Math.max(1, n)
}

function plain(raw) {
  return raw.replace(/^---\n[\s\S]*?\n---\n/, '').replace(/^```[\s\S]*?^```/gm, '').replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^(@|#|\||:::|<).*$/gm, '').replace(/^\s*([-*]|\d+\.)\s+/gm, '\n\n')
    .replace(/\{\{[^}]*\}\}/g, 'five').replace(/\[@[^\]]*\]/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/`[^`]*`/g, '').replace(/\*/g, '')
}

export function plainSentences(raw) {
  return plain(raw).split(/\n\s*\n/).flatMap(p => p.replace(/\s+/g, ' ').split(/(?<=[.?!]["')”]?)\s+/))
    .map(text => ({ text, words: text.match(/[A-Za-z][A-Za-z'’-]*/g) ?? [] })).filter(s => s.words.length > 1)
    .map(s => ({ text: s.text, n: s.words.length, syl: s.words.reduce((a, w) => a + syllables(w), 0) }))
}

export function flesch(raw) {
  const sentences = plainSentences(raw)
  const sum = f => sentences.reduce((a, s) => a + s[f], 0)
  const words = sum('n'), syl = sum('syl')
  const ease = (w, s, y) => 206.835 - 1.015 * w / s - 84.6 * y / w
  const hard = sentences.map(s => ({ ...s, ease: ease(s.n, 1, s.syl) })).filter(s => s.n > 15).sort((a, b) => a.ease - b.ease)
  return { ease: ease(words, sentences.length, syl), long: words / sentences.length, hard }
}

// A line for each chapter that is too hard; check.mjs says it.
export function hardToRead(chapter, raw) {
  const { ease, long } = flesch(raw)
  return ease < (MAY[chapter] ?? FLOOR) ? `Flesch's reading ease is ${ease.toFixed(0)}, ${long.toFixed(1)} words a sentence` : ''
}

if (process.argv[1]?.endsWith('flesch.mjs'))
  for (const c of chapters.filter(x => x.file)) {
    const f = flesch(readFileSync(join(ROOT, 'book', c.file), 'utf8'))
    console.log(`${String(c.n).padStart(2)} ${f.ease.toFixed(1)}  ${f.long.toFixed(1)} words a sentence`)
    if (process.argv.includes('-v')) for (const h of f.hard.slice(0, 5)) console.log(`     ${h.n} words: ${h.text.slice(0, 150)}`)
  }
