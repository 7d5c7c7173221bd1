/**
 * Tells a moving picture from a standing one. Pure: it is given the times.
 *
 * A frame counts when it was decoded, whether or not the browser drew it: a hidden tab draws
 * nothing, and that is no fault of the camera.
 */

/** Without a new decoded frame for this long, a picture is called stale and says so. */
export const STALE_MS = 2_000
const RATE_WINDOW_MS = 2_000

export class FrameClock {
  /** Frames decoded since the start; never runs back. */
  frames = 0
  /** Local epoch ms of the newest frame; 0 before the first. */
  lastAt = 0
  fps = 0
  #delayMs = 0
  #decoded = 0
  #window: { at: number; frames: number } | null = null

  /** A frame was drawn. delayMs: how old its picture was at that moment, as far as known. */
  drawn(now: number, count: number, delayMs: number): void {
    this.frames += Math.max(1, count)
    this.lastAt = now
    // Smoothed: a single late frame is not worth a flicker of the figure.
    this.#delayMs = this.frames <= 2 ? delayMs : this.#delayMs * 0.8 + delayMs * 0.2
    this.#rate(now)
  }

  /** The decoder's own counter, which goes on while nothing is drawn. */
  decoded(now: number, total: number, drawing: boolean): void {
    const before = this.#decoded
    this.#decoded = total
    if (total <= before) return
    // Frames that were drawn are counted already; only a tab that draws nothing counts here.
    if (drawing && now - this.lastAt < STALE_MS / 2) return
    this.frames += total - before
    this.lastAt = now
    this.#rate(now)
  }

  /** A new decoder counts from nought. */
  restart(): void {
    this.#decoded = 0
  }

  /** How old the shown picture is, in ms; null before the first frame. */
  age(now: number): number | null {
    if (this.lastAt === 0) return null
    return Math.max(0, now - this.lastAt) + this.#delayMs
  }

  stale(now: number): boolean {
    return this.lastAt > 0 && now - this.lastAt >= STALE_MS
  }

  /** For a figure that must fall to 0 when frames stop. */
  rate(now: number): number {
    return this.stale(now) ? 0 : this.fps
  }

  #rate(now: number): void {
    const window = this.#window
    if (!window || now - window.at > 3 * RATE_WINDOW_MS) {
      this.#window = { at: now, frames: this.frames }
      return
    }
    const span = now - window.at
    if (span < RATE_WINDOW_MS) return
    this.fps = Math.round(((this.frames - window.frames) * 1000) / span)
    this.#window = { at: now, frames: this.frames }
  }
}

interface FrameTimes {
  expectedDisplayTime?: number
  captureTime?: number
  receiveTime?: number
}

/** The longest delay that is believed: beyond it the two clocks disagree, not the picture is old. */
const BELIEVED_MS = 30_000

/**
 * Age of a frame when it is drawn: from its capture where the sender's clock is known (RTCP sender
 * reports), else from its arrival.
 */
export function drawDelay(times: FrameTimes): number {
  const shown = times.expectedDisplayTime ?? 0
  for (const start of [times.captureTime, times.receiveTime]) {
    if (start === undefined || start <= 0) continue
    const delay = shown - start
    if (delay >= 0 && delay < BELIEVED_MS) return delay
  }
  return 0
}
