/**
 * The timeline's arithmetic: what is in sight, where a time stands, what lies under the pointer.
 * Pure; times are epoch ms, places are px from the left edge.
 *
 * Invariants:
 * - A window is never shorter than SHORTEST_MS, never longer than the limits, and never outside them.
 * - Ranges and gaps of a lane are in order of time and do not overlap.
 */
export interface Span {
  from: number
  to: number
}
export interface Gap extends Span {
  cause: string
}
/** One camera's record. */
export interface Lane {
  camera: string
  ranges: readonly Span[]
  gaps: readonly Gap[]
}
export type Severity = 'critical' | 'high' | 'medium' | 'low'
/** An alarm or a case beside the lanes. */
export interface Mark {
  kind: 'alert' | 'case'
  id: string
  at: number
  severity: Severity
  label: string
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
/** As far as one question to the server reaches. */
export const LONGEST_MS = 31 * DAY
export const SHORTEST_MS = 10 * SECOND
/** Between two labels, px. */
const LABEL_PX = 96
const STEPS = [
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR,
  6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
]

export const lengthOf = (span: Span) => span.to - span.from
export const toX = (win: Span, width: number, at: number) => ((at - win.from) / lengthOf(win)) * width
export const toTime = (win: Span, width: number, x: number) => win.from + (x / Math.max(1, width)) * lengthOf(win)
export const holds = (span: Span, at: number) => at >= span.from && at < span.to

/** The nearest window to this one that keeps to the limits. */
export function within(win: Span, limits: Span): Span {
  const longest = Math.min(LONGEST_MS, lengthOf(limits))
  const length = Math.min(longest, Math.max(Math.min(SHORTEST_MS, longest), lengthOf(win)))
  const middle = (win.from + win.to) / 2
  const from = Math.min(limits.to - length, Math.max(limits.from, middle - length / 2))
  return { from, to: from + length }
}

/** Shorter by the factor (longer, below 1); the anchor stays where it is on the screen. */
export function zoom(win: Span, factor: number, anchor: number, limits: Span): Span {
  const longest = Math.min(LONGEST_MS, lengthOf(limits))
  const length = Math.min(longest, Math.max(Math.min(SHORTEST_MS, longest), lengthOf(win) / factor))
  const share = (anchor - win.from) / lengthOf(win)
  const from = anchor - share * length
  return within({ from, to: from + length }, limits)
}

export function pan(win: Span, by: number, limits: Span): Span {
  return within({ from: win.from + by, to: win.to + by }, limits)
}

/** Turns the page when the time has left the window, so that a fifth of it lies behind. */
export function follow(win: Span, at: number, limits: Span): Span {
  if (holds(win, at)) return win
  const from = at - lengthOf(win) * 0.2
  return within({ from, to: from + lengthOf(win) }, limits)
}

export interface Tick {
  at: number
  /** What it is a mark of: its label says as much. */
  unit: 'day' | 'minute' | 'second'
  labelled: boolean
}

/** Ticks on round local times; about five small ones to a label. */
export function ticks(win: Span, width: number): Tick[] {
  const perPx = lengthOf(win) / Math.max(1, width)
  const step = STEPS.find((one) => one / perPx >= LABEL_PX) ?? 7 * DAY
  const small = STEPS.findLast((one) => one < step && step % one === 0 && one / perPx >= 8 && step / one <= 6) ?? step
  const zone = -new Date(win.from).getTimezoneOffset() * MINUTE
  const out: Tick[] = []
  for (let at = Math.ceil((win.from + zone) / small) * small; at <= win.to + zone; at += small) {
    out.push({ at: at - zone, unit: at % DAY === 0 ? 'day' : step < MINUTE ? 'second' : 'minute', labelled: at % step === 0 })
  }
  return out
}

/** The index of the first span that ends after the time. */
export function firstAfter(spans: readonly Span[], at: number): number {
  let [low, high] = [0, spans.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (spans[middle]!.to > at) high = middle
    else low = middle + 1
  }
  return low
}

/** Those in sight, in px; ones that a pixel could not tell apart are drawn as one. */
export function drawn(spans: readonly Span[], win: Span, width: number): { x: number; w: number; first: number }[] {
  const out: { x: number; w: number; first: number }[] = []
  for (let i = firstAfter(spans, win.from); i < spans.length && spans[i]!.from < win.to; i++) {
    const x = Math.max(0, toX(win, width, spans[i]!.from))
    const end = Math.min(width, toX(win, width, spans[i]!.to))
    const last = out.at(-1)
    if (last && x - (last.x + last.w) < 0.5) last.w = Math.max(last.w, end - last.x)
    else out.push({ x, w: end - x, first: i })
  }
  return out
}

/** Whether there is footage at this time. */
export function recorded(lane: Lane, at: number): boolean {
  const range = lane.ranges[firstAfter(lane.ranges, at)]
  return range !== undefined && holds(range, at)
}

/** What is missing at this time, and why; null where there is footage, or never was to be any. */
export function gapAt(lane: Lane, at: number): Gap | null {
  const gap = lane.gaps[firstAfter(lane.gaps, at)]
  return gap && holds(gap, at) ? gap : null
}

/** The end of a lane is known a little late. */
const TAIL_MS = 15 * SECOND
const SEAM_MS = SECOND / 2

/** When there is footage next, for a time at which a lane surely has none (Infinity: none is known); null where it may have some. */
export function missingAt(lane: Lane | undefined, at: number): number | null {
  if (!lane) return null
  const range = lane.ranges[firstAfter(lane.ranges, at)]
  if (range) return range.from <= at + SEAM_MS ? null : range.from
  const last = lane.ranges.at(-1)
  return last && at <= last.to + TAIL_MS ? null : Infinity
}

/** When any of them has footage next, at or after the time. */
export function nextFootage(lanes: readonly Lane[], at: number): number | null {
  const starts = lanes.flatMap((lane) => {
    const range = lane.ranges[firstAfter(lane.ranges, at)]
    return range ? [Math.max(at, range.from)] : []
  })
  return starts.length > 0 ? Math.min(...starts) : null
}

/** The last moment at or before the time at which any of them has footage. */
export function lastFootage(lanes: readonly Lane[], at: number): number | null {
  const ends = lanes.flatMap((lane) => {
    const range = lane.ranges.findLast((one) => one.from <= at)
    return range ? [Math.min(at, range.to)] : []
  })
  return ends.length > 0 ? Math.max(...ends) : null
}

/** Times worth stopping at: edges of footage, alarms and cases. */
export function* stops(lanes: readonly Lane[], marks: readonly Mark[]): Generator<number> {
  for (const lane of lanes) {
    for (const range of lane.ranges) {
      yield range.from
      yield range.to
    }
  }
  for (const mark of marks) yield mark.at
}

/** The nearest stop within reach, else the time itself. */
export function snap(at: number, reach: number, candidates: Iterable<number>): number {
  let best = at
  let least = reach
  for (const one of candidates) {
    const off = Math.abs(one - at)
    if (off <= least) [best, least] = [one, off]
  }
  return best
}

/** The next alarm or case in this direction. */
export function nextMark(marks: readonly Mark[], at: number, direction: 1 | -1): Mark | null {
  const beyond = marks.filter((mark) => (mark.at - at) * direction > SECOND / 2)
  beyond.sort((a, b) => (a.at - b.at) * direction)
  return beyond[0] ?? null
}

/** Two ends in either order as a range of at least a second, inside the limits. */
export function rangeOf(a: number, b: number, limits: Span): Span {
  const clip = (at: number) => Math.min(limits.to, Math.max(limits.from, at))
  const [from, to] = [clip(Math.min(a, b)), clip(Math.max(a, b))]
  return to - from >= SECOND ? { from, to } : from + SECOND <= limits.to ? { from, to: from + SECOND } : { from: limits.to - SECOND, to: limits.to }
}

// Heights of the timeline's rows, px.
export const RULER_PX = 30
export const MARKS_PX = 26
export const LANE_PX = 30
export const heightOf = (lanes: number) => RULER_PX + MARKS_PX + Math.max(1, lanes) * LANE_PX + 6
/** How near the pointer must come. */
const REACH_PX = 7

export type Hit =
  | { what: 'edge'; edge: 'from' | 'to' }
  | { what: 'mark'; marks: Mark[] }
  | { what: 'lane'; lane: number }
  | { what: 'ruler' }

/** What lies under the pointer: the selection's edges first, then marks, then lanes. */
export function hit(x: number, y: number, win: Span, width: number, lanes: number, marks: readonly Mark[], range: Span | null): Hit {
  if (y >= RULER_PX && range) {
    for (const edge of ['from', 'to'] as const) if (Math.abs(toX(win, width, range[edge]) - x) <= REACH_PX) return { what: 'edge', edge }
  }
  if (y < RULER_PX) return { what: 'ruler' }
  if (y < RULER_PX + MARKS_PX) {
    const near = marks.filter((mark) => Math.abs(toX(win, width, mark.at) - x) <= REACH_PX)
    if (near.length > 0) return { what: 'mark', marks: near }
  }
  return { what: 'lane', lane: Math.min(Math.max(0, lanes - 1), Math.max(0, Math.floor((y - RULER_PX - MARKS_PX) / LANE_PX))) }
}

/**
 * A time as people write it, on the day of `day`: "18:04", "18:04:30", "11-28 18:04", "2026-11-28 18:04:30".
 * Null when it is none.
 */
export function parseTime(text: string, day: number): number | null {
  const found = /^\s*(?:(?:(\d{4})[-/.])?(\d{1,2})[-/.](\d{1,2})[\sT]+)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?\s*$/.exec(text.replaceAll('：', ':'))
  if (!found) return null
  const base = new Date(day)
  const part = (i: number, otherwise: number) => (found[i] === undefined ? otherwise : Number(found[i]))
  const [month, date, hour, minute, second] = [part(2, base.getMonth() + 1), part(3, base.getDate()), part(4, 0), part(5, 0), part(6, 0)]
  const ms = found[7] === undefined ? 0 : Number(found[7].padEnd(3, '0'))
  const at = new Date(part(1, base.getFullYear()), month - 1, date, hour, minute, second, ms)
  const same = at.getMonth() === month - 1 && at.getDate() === date && at.getHours() === hour && at.getMinutes() === minute && second < 60
  return same ? at.getTime() : null
}
