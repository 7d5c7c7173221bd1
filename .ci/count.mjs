// Counts what the test runners said.
//   count.mjs go FILE      prints failures of `go test -json` and a summary
//   count.mjs total DIR    adds the suites up; the last line is the verdict
import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

const [, , what, where] = process.argv

function goCounts(file) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const output = new Map()
  const failures = []
  const packages = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('{')) {
      if (line.trim()) failures.push(line)
      continue
    }
    const e = JSON.parse(line)
    const key = `${e.Package ?? e.ImportPath} ${e.Test ?? ''}`
    if (e.Action === 'output' || e.Action === 'build-output') output.set(key, (output.get(key) ?? '') + e.Output)
    if (e.Action === 'build-fail') {
      counts.failed++
      failures.push(`--- ${key}\n${output.get(key) ?? ''}`)
    }
    if (e.Action === 'fail' && (e.Test || !e.FailedBuild)) failures.push(`--- ${key}\n${output.get(key) ?? ''}`)
    if (!e.Test) {
      if (e.Elapsed >= 1) packages.push([e.Elapsed, e.Package])
      // A package that fails without a failing test: a panic, a leak, a time-out.
      if (e.Action === 'fail' && !failures.some((f) => f.startsWith(`--- ${e.Package} Test`))) counts.failed++
      continue
    }
    if (e.Action === 'pass') counts.passed++
    if (e.Action === 'fail') counts.failed++
    if (e.Action === 'skip') {
      counts.skipped++
      failures.push(`--- skipped: ${key}\n${output.get(key) ?? ''}`)
    }
  }
  return { ...counts, failures, slowest: packages.sort(([a], [b]) => b - a).slice(0, 8) }
}

// lastNumber finds the last number that a pattern captures.
function lastNumber(text, pattern) {
  const all = [...text.matchAll(pattern)]
  return all.length ? Number(all.at(-1)[1]) : 0
}

function textCounts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 }
  const text = readFileSync(file, 'utf8').replace(/\x1b\[[0-9;]*m/g, '')
  return {
    passed: lastNumber(text, /^(?:# pass|ℹ pass)\s+(\d+)/gm) || lastNumber(text, /^\s*Tests\s.*?(\d+) passed/gm),
    failed: lastNumber(text, /^(?:# fail|ℹ fail)\s+(\d+)/gm) || lastNumber(text, /^\s*Tests\s.*?(\d+) failed/gm),
    skipped: lastNumber(text, /^(?:# skipped|ℹ skipped)\s+(\d+)/gm) || lastNumber(text, /^\s*Tests\s.*?(\d+) skipped/gm),
  }
}

if (what === 'go') {
  const c = goCounts(where)
  for (const f of c.failures) console.log(f)
  console.log(`slowest: ${c.slowest.map(([seconds, name]) => `${name} ${Math.round(seconds)} s`).join(', ')}`)
  console.log(`go: ${c.passed} passed, ${c.failed} failed, ${c.skipped} skipped`)
  process.exit(c.failed || c.skipped || !c.passed ? 1 : 0)
}

const suites = [goCounts(join(where, 'go.json')), textCounts(join(where, 'unit.txt')), textCounts(join(where, 'e2e.txt'))]
const sum = (key) => suites.reduce((n, s) => n + s[key], 0)
const empty = suites.some((s) => s.passed === 0)
if (empty) console.log('a suite ran no test')
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exit(sum('failed') || sum('skipped') || empty ? 1 : 0)
