// Reads what the test runners said: `go test -json`, and vitest's JSON.
//   count.mjs report go DIR      prints what failed and which packages were slow
//   count.mjs failed SUITE DIR   names what failed of a suite (go, browser), if that is little
//   count.mjs total DIR          adds the suites up; the last line is the verdict
// A suite's first run lies in DIR/SUITE.json, the second of what failed in DIR/again-SUITE.json.
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** More than this is no hold-up. */
const FEW = 3

const [, , what, ...rest] = process.argv
const dir = rest.at(-1)

/**
 * A group of tests that is run as one: a Go package, or a file of the browser's tests.
 * @typedef {{name: string, seconds: number, passed: number, failed: number, skipped: number, texts: string[]}} Group
 */
const group = (name) => ({ name, seconds: 0, passed: 0, failed: 0, skipped: 0, texts: [] })

/** @returns {Map<string, Group>} */
function goGroups(file) {
  // What go says outside of any package.
  const other = group('')
  const groups = new Map([['', other]])
  const output = new Map()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('{')) {
      if (line.trim()) other.texts.push(line)
      continue
    }
    const e = JSON.parse(line)
    const name = e.Package ?? e.ImportPath
    const key = `${name} ${e.Test ?? ''}`
    if (e.Action === 'output' || e.Action === 'build-output') output.set(key, (output.get(key) ?? '') + e.Output)
    const mine = groups.get(name) ?? group(name)
    groups.set(name, mine)
    const tell = (how) => mine.texts.push(`--- ${how}: ${key}\n${output.get(key) ?? ''}`)
    if (e.Action === 'build-fail') {
      mine.failed++
      tell('does not build')
    } else if (e.Test && (e.Action === 'fail' || e.Action === 'skip')) {
      mine[e.Action === 'fail' ? 'failed' : 'skipped']++
      tell(e.Action)
    } else if (e.Action === 'fail') {
      // Without a failing test: a panic, a leak, a time-out.
      mine.failed ||= 1
      if (!e.FailedBuild) tell('fail')
    } else if (e.Test && e.Action === 'pass') mine.passed++
    if (!e.Test && e.Elapsed) mine.seconds = e.Elapsed
  }
  return groups
}

/** @returns {Map<string, Group>} */
function vitestGroups(file) {
  const groups = new Map()
  for (const { name: path, status, assertionResults } of JSON.parse(readFileSync(file, 'utf8')).testResults) {
    const mine = group(relative('dashboard/e2e', path))
    for (const one of assertionResults) mine[one.status === 'passed' ? 'passed' : one.status === 'failed' ? 'failed' : 'skipped']++
    // A file that did not load has no test that failed.
    if (status !== 'passed') mine.failed ||= 1
    groups.set(mine.name, mine)
  }
  return groups
}

function groupsOf(suite, prefix = '') {
  const file = join(dir, `${prefix}${suite}.json`)
  return existsSync(file) ? (suite === 'go' ? goGroups : vitestGroups)(file) : new Map()
}

function report() {
  const groups = [...groupsOf(rest[0]).values()]
  for (const { texts } of groups) texts.forEach((text) => console.log(text))
  const slowest = groups.filter(({ seconds }) => seconds >= 1).sort((a, b) => b.seconds - a.seconds).slice(0, 8)
  console.log(`slowest: ${slowest.map(({ name, seconds }) => `${name} ${Math.round(seconds)} s`).join(', ')}`)
}

function failed() {
  const names = [...groupsOf(rest[0]).values()].filter((one) => one.failed > 0).map(({ name }) => name)
  if (names.length === 0 || names.length > FEW) process.exit(1)
  console.log(names.join(' '))
}

function total() {
  const sum = group('')
  const held = []
  let empty = false
  for (const suite of ['go', 'units', 'browser']) {
    const groups = groupsOf(suite)
    for (const [name, second] of groupsOf(suite, 'again-')) {
      second.texts.forEach((text) => console.log(text))
      if (second.failed === 0) held.push(name)
      groups.set(name, second)
    }
    let passed = 0
    for (const one of groups.values()) {
      passed += one.passed
      sum.failed += one.failed
      sum.skipped += one.skipped
    }
    if (passed === 0) {
      empty = true
      console.log(`${suite}: no test has passed`)
    }
    sum.passed += passed
  }
  const twice = held.length > 0 ? `; at the second attempt only: ${held.join(', ')}` : ''
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped${twice}`)
  process.exit(sum.failed || sum.skipped || empty ? 1 : 0)
}

;({ report, failed, total })[what]()
