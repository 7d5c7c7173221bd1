/** What a track is to do about its buffer. Pure; media seconds. */
import type { Span } from './timeline'

/** Parts of footage that lie no further apart are one: the end of a frame and the begin of the next. */
export const SEAM_S = 0.3
/** Asked for first, so that a picture is there soon; a run is whole GOPs in any case. */
export const FIRST_S = 2
export const RUN_S = 12
/** So much footage is kept ready, times the speed; and no more bytes of it than AHEAD_BYTES. */
const AHEAD_S = 16
const AHEAD_MOST_S = 60
const AHEAD_BYTES = 40 << 20
/** And so much of what was shown, for a step back. */
export const BEHIND_S = 20

/** The part of the buffer that the time lies in. */
export function around(ranges: readonly Span[], at: number): Span | null {
  return ranges.find((range) => at >= range.from - SEAM_S && at < range.to) ?? null
}

/** How far what is there reaches without a seam that shows. */
export function readyUntil(ranges: readonly Span[], at: number): number | null {
  let end = around(ranges, at)?.to
  if (end === undefined) return null
  for (const range of ranges) if (range.from > at && range.from - end <= SEAM_S && range.to > end) end = range.to
  return end
}

/** How much is to be kept ready at this speed, of footage that takes so many bytes a second. */
export function ahead(rate: number, bytesPerSecond: number): number {
  const bytes = bytesPerSecond > 0 ? AHEAD_BYTES / bytesPerSecond : AHEAD_MOST_S
  return Math.max(4, Math.min(AHEAD_S * Math.max(1, rate), AHEAD_MOST_S, bytes))
}

/** What may go: far behind, and far ahead of it. */
export function surplus(ranges: readonly Span[], at: number, aheadS: number): Span[] {
  const [low, high] = [at - BEHIND_S, at + Math.max(2 * aheadS, aheadS + 2 * RUN_S)]
  const out: Span[] = []
  for (const range of ranges) {
    // In pieces of seconds: a key frame's worth at a time is not worth the work.
    if (range.from < low - 5) out.push({ from: range.from, to: Math.min(range.to, low) })
    if (range.to > high + 5) out.push({ from: Math.max(range.from, high), to: range.to })
  }
  return out
}

/**
 * The speed at which an element comes back into step: up to a tenth faster or slower, until it is less
 * than a frame off. drift: how far it is ahead of the clock.
 */
export function pull(rate: number, drift: number): number {
  if (Math.abs(drift) < 0.02 * Math.max(1, rate)) return rate
  const by = Math.max(-0.1, Math.min(0.1, -drift / Math.max(1, rate)))
  return Math.round(rate * (1 + by) * 100) / 100
}
