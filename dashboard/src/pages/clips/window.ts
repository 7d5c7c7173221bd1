/** A window of time as it is asked for: around a report, typed in, or by its minutes. Pure. */
import { HOUR, MINUTE, SECOND, clock, day, parseTime, type Span } from '../../playback'

/** So much before and after a report is offered. */
export const BEFORE_MIN = 3
export const AFTER_MIN = 2
export const MOST_MS = 4 * HOUR

/** Around a report, and never beyond now. */
export function aroundReport(at: string, now: number): Span {
  const reported = Date.parse(at)
  const to = Math.min(reported + AFTER_MIN * MINUTE, Math.floor((now - 2 * SECOND) / SECOND) * SECOND)
  return { from: Math.min(reported - BEFORE_MIN * MINUTE, to - MINUTE), to }
}

export const typedOf = (at: number) => `${day(at)} ${clock(at)}`

/** What was typed as a window; null where it is none, ends before it begins, or is too long. */
export function windowOf(from: string, to: string, near: number): Span | null {
  const [a, b] = [parseTime(from, near), parseTime(to, near)]
  return a !== null && b !== null && a < b && b - a <= MOST_MS ? { from: a, to: b } : null
}
