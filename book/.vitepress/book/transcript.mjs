// SPDX-License-Identifier: BSD-2-Clause
// transcript.mjs: a session as it is shown: what it found, and folded, all of it
//
// Picture   .out ─→ steps { command, comment, answers } ─┬→ the story: stops, the last
//                                                        │  word of each walk, what held
//                                                        └→ all lines, comment above
// Rules     1. The story leaves out, it never rewords: each line of it is recorded.
//           2. A session in which nothing is commented is shown whole.
const escapeHtml = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const span = (kind, text) => `<span class="t-${kind}">${escapeHtml(text)}</span>`
const pre = lines => `<pre class="transcript" v-pre>${lines.join('\n')}</pre>`

// Commands stand at the margin, answers are indented; " # " begins a comment.
function stepsOf(lines) {
  const steps = []
  for (const l of lines)
    if (l.startsWith('  ') && steps.length > 0) steps.at(-1).answers.push(l)
    else {
      const [, command, comment] = l.match(/^(.*?)(?:\s+# (.*))?$/)
      steps.push({ command, comment, answers: [], lines: 1 })
    }
  return steps
}

const say = text => text.replace(/^say\s+/, '')

function story(steps) {
  const out = []
  for (const { command, comment, answers } of steps) {
    const [verb] = command.split(/\s/)
    if (verb === 'say') out.push(span('note', say(command)))
    else if (['run', 'mark', 'step', 'until'].includes(verb) && comment) out.push(span('note', `▸ ${comment}`))
    else if (verb === 'run' && answers.length > 0) out.push(span('answer', `▸ ${answers[0].trim()}`))
    else if (verb === 'walk' && answers.length > 0) out.push(span('answer', '  ' + answers.at(-1).trim()))
    else if (verb === 'expect' && comment) out.push(`${span('note', `  ✓ ${comment}`)}   ${span('command', command.replace(/^expect\s+/, ''))}`)
  }
  return out
}

function whole(steps) {
  return steps.flatMap(({ command, comment, answers }) => [
    ...(comment ? [span('note', `# ${comment}`)] : []),
    command.startsWith('#') ? span('note', command) : command.startsWith('say') ? span('note', say(command)) : span('command', command),
    ...answers.map(l => span('answer', l))])
}

// The HTML of a transcript: lines of a block each.
export function transcript(name, lines) {
  if (name.startsWith('guest/'))
    return [pre(lines.map(l => span(l.startsWith('$ ') ? 'command' : l.startsWith('-- ') ? 'note' : 'answer', l)))]
  const steps = stepsOf(lines), short = story(steps)
  if (short.length === 0) return [pre(whole(steps))]
  return [pre(short), `<details class="all"><summary class="more">All ${lines.length} lines: what was typed, and what the machine said</summary>`,
    pre(whole(steps)), '</details>']
}
