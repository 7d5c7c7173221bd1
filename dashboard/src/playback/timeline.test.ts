import { describe, expect, it } from 'vitest'
import {
  DAY, HOUR, LONGEST_MS, MINUTE, RULER_PX, SECOND, SHORTEST_MS, drawn, follow, gapAt, hit, lastFootage, missingAt, nextFootage, nextMark, pan, parseTime, rangeOf,
  recorded, snap, stops, ticks, toTime, toX, within, zoom, type Lane, type Mark,
} from './timeline'

const T = Date.parse('2026-11-28T18:00:00+08:00')
const limits = { from: T - 31 * DAY, to: T + HOUR }
const hourly = { from: T - HOUR, to: T }
const lane: Lane = {
  camera: 'a',
  ranges: [{ from: T - 3 * HOUR, to: T - 2 * HOUR }, { from: T - HOUR, to: T }],
  gaps: [{ from: T - 2 * HOUR, to: T - HOUR, cause: 'offline' }],
}
const mark = (at: number, id = 'm'): Mark => ({ kind: 'alert', id, at, severity: 'high', label: id })

describe('the window', () => {
  it('keeps the moment under the pointer where it is when zoomed', () => {
    const anchor = T - 45 * MINUTE
    for (const factor of [1.5, 4, 0.5]) {
      const next = zoom(hourly, factor, anchor, limits)
      expect(toX(next, 1000, anchor)).toBeCloseTo(toX(hourly, 1000, anchor), 6)
      expect(next.to - next.from).toBeCloseTo(HOUR / factor, 3)
    }
  })

  it('is never shorter, longer or elsewhere than it may be', () => {
    const shortest = zoom(hourly, 1e9, T, limits)
    expect(shortest.to - shortest.from).toBeCloseTo(SHORTEST_MS, 3)
    const longest = zoom(hourly, 1e-9, T, limits)
    expect(longest.to - longest.from).toBeLessThanOrEqual(LONGEST_MS)
    expect(longest.from).toBeGreaterThanOrEqual(limits.from)
    expect(pan(hourly, 400 * DAY, limits)).toEqual({ from: limits.to - HOUR, to: limits.to })
    expect(within({ from: 0, to: HOUR }, limits)).toEqual({ from: limits.from, to: limits.from + HOUR })
  })

  it('turns the page when the time runs out of it', () => {
    expect(follow(hourly, T - 1, limits)).toBe(hourly)
    const next = follow(hourly, T, limits)
    expect(next).toEqual({ from: T - 12 * MINUTE, to: T + 48 * MINUTE })
  })

  it('maps places to times and back', () => {
    expect(toTime(hourly, 600, toX(hourly, 600, T - 10 * MINUTE))).toBeCloseTo(T - 10 * MINUTE, 3)
  })
})

describe('ticks', () => {
  const wide = [SHORTEST_MS, MINUTE, 17 * MINUTE, HOUR, 7 * HOUR, DAY, 9 * DAY, 31 * DAY]
  it.each(wide)('are on round local times, with room for their labels, over %i ms', (length) => {
    const win = { from: T + 1234 - length, to: T + 1234 }
    const labelled = ticks(win, 1200).filter((tick) => tick.labelled)
    expect(labelled.length).toBeGreaterThan(2)
    const xs = labelled.map((tick) => toX(win, 1200, tick.at))
    for (let i = 1; i < xs.length; i++) expect(xs[i]! - xs[i - 1]!).toBeGreaterThan(80)
    for (const { at, unit } of labelled) {
      const date = new Date(at)
      expect(date.getMilliseconds()).toBe(0)
      expect(unit === 'day').toBe(date.getHours() + date.getMinutes() + date.getSeconds() === 0)
    }
  })

  it('are few, however wide the screen', () => {
    expect(ticks({ from: T - 31 * DAY, to: T }, 3840).length).toBeLessThan(400)
  })
})

describe('footage', () => {
  it('is found by time, with what is missing and why', () => {
    expect(recorded(lane, T - 1)).toBe(true)
    expect(recorded(lane, T)).toBe(false)
    expect(recorded(lane, T - 90 * MINUTE)).toBe(false)
    expect(gapAt(lane, T - 90 * MINUTE)?.cause).toBe('offline')
    expect(gapAt(lane, T - 5 * HOUR)).toBeNull()
  })

  it('is looked for forwards and backwards, over all cameras', () => {
    const other: Lane = { camera: 'b', ranges: [{ from: T - 100 * MINUTE, to: T - 80 * MINUTE }], gaps: [] }
    expect(nextFootage([lane], T - 90 * MINUTE)).toBe(T - HOUR)
    expect(nextFootage([lane, other], T - 110 * MINUTE)).toBe(T - 100 * MINUTE)
    expect(nextFootage([lane], T)).toBeNull()
    expect(lastFootage([lane], T - 90 * MINUTE)).toBe(T - 2 * HOUR)
    expect(lastFootage([lane, other], T - 70 * MINUTE)).toBe(T - 80 * MINUTE)
    expect(lastFootage([lane], T - 9 * HOUR)).toBeNull()
  })

  it('that surely is not there need not be asked for', () => {
    expect(missingAt(lane, T - 90 * MINUTE)).toBe(T - HOUR)
    expect(missingAt(lane, T - 4 * HOUR)).toBe(T - 3 * HOUR)
    for (const at of [T - 1, T - HOUR - 100, T, T + 5 * SECOND]) expect(missingAt(lane, at)).toBeNull()
    expect(missingAt(lane, T + MINUTE)).toBe(Infinity)
    expect(missingAt({ camera: 'a', ranges: [], gaps: [] }, T)).toBe(Infinity)
    expect(missingAt(undefined, T)).toBeNull()
  })

  it('of thousands of pieces is drawn by the pixel', () => {
    const ranges = Array.from({ length: 20_000 }, (_, i) => ({ from: T + i * MINUTE, to: T + i * MINUTE + 50 * SECOND }))
    const month = drawn(ranges, { from: T, to: T + 31 * DAY }, 1000)
    expect(month.length).toBeLessThanOrEqual(1000)
    expect(Math.max(...month.map(({ x, w }) => x + w))).toBeLessThanOrEqual(1000)
    const close = drawn(ranges, { from: T, to: T + 3 * MINUTE }, 900)
    expect(close.map(({ x, w }) => [Math.round(x), Math.round(w)])).toEqual([[0, 250], [300, 250], [600, 250]])
  })
})

describe('the pointer', () => {
  it('finds edges before marks, marks before lanes', () => {
    const range = { from: T - 30 * MINUTE, to: T - 15 * MINUTE }
    const marks = [mark(T - 40 * MINUTE), mark(T - 30 * MINUTE)]
    const at = (x: number, y: number) => hit(x, y, hourly, 600, 2, marks, range)
    expect(at(300, 5)).toEqual({ what: 'ruler' })
    expect(at(302, RULER_PX + 3)).toEqual({ what: 'edge', edge: 'from' })
    expect(at(446, RULER_PX + 90)).toEqual({ what: 'edge', edge: 'to' })
    expect(at(203, RULER_PX + 3)).toMatchObject({ what: 'mark', marks: [marks[0]] })
    expect(at(203, RULER_PX + 90)).toEqual({ what: 'lane', lane: 1 })
    expect(at(203, 9999)).toEqual({ what: 'lane', lane: 1 })
  })

  it('stops at edges of footage and at marks within reach, at nothing else', () => {
    const all = [...stops([lane], [mark(T - 5 * MINUTE)])]
    expect(snap(T - HOUR + 900, 1000, all)).toBe(T - HOUR)
    expect(snap(T - 5 * MINUTE - 400, 1000, all)).toBe(T - 5 * MINUTE)
    expect(snap(T - 20 * MINUTE, 1000, all)).toBe(T - 20 * MINUTE)
  })

  it('draws a range in either direction, a second at the least, inside the limits', () => {
    expect(rangeOf(T, T - MINUTE, limits)).toEqual({ from: T - MINUTE, to: T })
    expect(rangeOf(T, T, limits)).toEqual({ from: T, to: T + SECOND })
    expect(rangeOf(limits.to, limits.to + HOUR, limits)).toEqual({ from: limits.to - SECOND, to: limits.to })
  })

  it('walks from mark to mark', () => {
    const marks = [mark(T - 5 * MINUTE, 'b'), mark(T - HOUR, 'a'), mark(T, 'c')]
    expect(nextMark(marks, T - 5 * MINUTE, 1)?.id).toBe('c')
    expect(nextMark(marks, T - 5 * MINUTE, -1)?.id).toBe('a')
    expect(nextMark(marks, T, 1)).toBeNull()
  })
})

describe('a time typed in', () => {
  const local = (text: string) => new Date(text).getTime()
  const day = local('2026-11-28T09:00:00')
  it.each([
    ['18:04', '2026-11-28T18:04:00'], ['18:04:30', '2026-11-28T18:04:30'], ['11-27 18:04', '2026-11-27T18:04:00'],
    ['2025/12/31 23:59:59.5', '2025-12-31T23:59:59.500'], [' 7：05 ', '2026-11-28T07:05:00'],
  ])('%s', (text, want) => expect(parseTime(text, day)).toBe(local(want)))
  it.each(['', '18', '24:00', '18:60', '2026-02-30 12:00', '18:04:61', 'noon'])('%j is none', (text) => expect(parseTime(text, day)).toBeNull())
})
