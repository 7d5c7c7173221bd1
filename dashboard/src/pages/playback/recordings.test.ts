import { describe, expect, it } from 'vitest'
import type { Recording } from '../../api/types'
import { lanesFor, marksOf, merge, profileOf, type Known } from './recordings'

const iso = (s: number) => new Date(s * 1000).toISOString()
const item = (ranges: [number, number][], gaps: [number, number][] = [], profile: 'main' | 'sub' = 'main'): Recording => ({
  camera: 'a', profile, ranges: ranges.map(([from, to]) => ({ from: iso(from), to: iso(to) })),
  gaps: gaps.map(([from, to]) => ({ from: iso(from), to: iso(to), cause: 'offline' })),
})
const spans = (known: Known) => lanesFor(known, ['a'], 'main')[0]!.ranges.map(({ from, to }) => [from / 1000, to / 1000])

describe('what is known', () => {
  it('grows at its end without a seam', () => {
    let known = merge(new Map(), [item([[0, 100], [150, 200]], [[100, 150]])], { from: 0, to: 200_000 })
    known = merge(known, [item([[180, 220]])], { from: 180_000, to: 220_000 })
    expect(spans(known)).toEqual([[0, 100], [150, 220]])
    expect(lanesFor(known, ['a'], 'main')[0]!.gaps).toEqual([{ from: 100_000, to: 150_000, cause: 'offline' }])
  })

  it('is corrected inside the span that was asked for, and nowhere else', () => {
    let known = merge(new Map(), [item([[0, 300]])], { from: 0, to: 300_000 })
    known = merge(known, [item([[100, 120]], [[120, 200]])], { from: 100_000, to: 200_000 })
    expect(spans(known)).toEqual([[0, 120], [200, 300]])
  })

  it('falls back to the stream that was recorded', () => {
    const known = merge(new Map(), [item([[0, 10]], [], 'sub')], { from: 0, to: 10_000 })
    expect(profileOf(known, 'a', 'main')).toBe('sub')
    expect(profileOf(known, 'b', 'main')).toBe('main')
    expect(lanesFor(known, ['a', 'b'], 'main').map((lane) => lane.ranges.length)).toEqual([1, 0])
  })
})

it('alarms and cases become marks with words', () => {
  const marks = marksOf({
    items: [], alerts: [{ id: '1', camera: 'a', at: iso(5), kind: 'fire', severity: 'critical' }],
    cases: [{ id: '2', number: '20261128-000001', at: iso(6), category: 'hazard.gas', severity: 'high' }],
  }, { alert: (kind) => `<${kind}>`, category: (code) => `[${code}]`, nameOf: (camera) => `cam ${camera}` })
  expect(marks.map(({ kind, at, label }) => [kind, at, label])).toEqual([['alert', 5000, '<fire> · cam a'], ['case', 6000, '20261128-000001 · [hazard.gas]']])
})
