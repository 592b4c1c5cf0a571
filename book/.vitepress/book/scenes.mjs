// SPDX-License-Identifier: BSD-2-Clause
// scenes.mjs: can every graph be played and drawn?
//
// Rules     1. Every state is drawn, every step taken once: an item that the
//              figure cannot read, two boxes of one name, a name that no way leads
//              to or that another state has, a puzzle without a solution is a finding.
//           2. A figure has at most 300 kB, compressed.
import { readFileSync, readdirSync, existsSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { ROOT, counterNames } from './data.mjs'
import { changes, itemsOf, labelled, labelsAfter, note, ownLabels, picture, still, way } from '../theme/scene/scene.mjs'

const MOST = 300e3

function playAll(g, say) {
  const head = still(g)
  const labels = [ownLabels(itemsOf(g, 0))]
  for (let s = 0; s < g.states.length; s++) {
    if (!labels[s]) { say(`no way leads to state ${s}`); continue }
    const items = labelled(itemsOf(g, s), labels[s])
    const names = Object.values(labels[s])
    if (new Set(names).size !== names.length) say(`state ${s} has two boxes of one name`)
    try { picture(head, items) } catch (e) { say(`state ${s}: ${e.message}`) }
    for (const step of g.steps[s]) {
      const n = note(g, step)
      const after = labelsAfter(labels[s], itemsOf(g, step[1]), n.renamed)
      labels[step[1]] ??= after
      changes(items, labelled(itemsOf(g, step[1]), after))
      for (const [name] of n.counters) if (!counterNames.has(name)) say(`a step moves ${name}, which is no counter`)
    }
  }
  for (const [id, state] of g.names) if (!way(g, 0, s => s === state)) say(`no way leads to "${id}"`)
  for (const [id, state] of g.names) {
    const first = g.names.find(n => n[1] === state)[0]
    if (first !== id && !g.design) say(`"${id}" and "${first}" are one state`, 'is what the text says of them true?')
  }
  g.puzzles.forEach(([most, least, goal, counts], i) => {
    const only = !counts && !g.names.some(n => n[0] === goal)
    if (only ? g.bug : least < 1 || least > most) say(`puzzle ${i + 1} cannot be solved in ${most} steps`)
  })
}

export function sceneFindings(shown) {
  const dir = join(ROOT, 'book/scenes')
  const found = []
  for (const file of existsSync(dir) ? readdirSync(dir) : []) {
    const path = `book/scenes/${file}`
    const say = (what, remedy = 'look at tools/scene and the scene again') => found.push([path, 1, what, remedy])
    if (file.endsWith('.scene')) {
      const name = file.slice(0, -6)
      const designs = readFileSync(join(dir, file), 'utf8').match(/^designs (.*)$/m)?.[1].split(' ').map(d => `${name}-${d}`)
      for (const n of designs ?? [name]) if (!existsSync(join(dir, `${n}.json`))) say(`has no graph ${n}.json`, 'make scenes')
      if (!shown.has(name)) say('no chapter shows it', `write a fence @scene ${name}`)
      continue
    }
    const text = readFileSync(join(dir, file))
    const bytes = gzipSync(text, { level: 9 }).length
    if (bytes > MOST) say(`${bytes} bytes, compressed`, `a figure has at most ${MOST}: bound the scene`)
    playAll(JSON.parse(text), say)
  }
  return found
}
