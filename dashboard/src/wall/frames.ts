/**
 * Tells a moving picture from a standing one. Pure: it is given the times.
 *
 * A frame counts when it was decoded, whether or not the browser drew it: a hidden tab draws
 * nothing, and that is no fault of the camera.
 */

/** Without a new decoded frame for this long, a picture is called stale and says so. */
export const STALE_MS = 2_000
const RATE_WINDOW_MS = 2_000
/** Beyond this a time stamp tells of another clock, such as a restarted camera's, not of an old picture. */
const OTHER_CLOCK_MS = 60_000
/** Frames that flow this long are believed to be new, whatever their time stamps say. */
const STEADY_MS = 20_000
/** Frames that come this much sooner than their time stamps say are the burst that a stream starts with. */
const BURST_MS = 30
/** So much more media than time in a window tells of it too; it is 5 in 100 of the rate. */
const CATCHING_UP_MS = RATE_WINDOW_MS / 20
/** Two clocks may run apart by this share: 200 parts in a million. */
const DRIFT = 0.0002

/**
 * How far the media's time stamps (90 kHz) lag behind where they once were: a replay of old frames
 * and a queue somewhere on the way both show here, though each frame arrives "just now".
 */
class Lag {
  #stamp: number | null = null
  /** How far the media has come, ms. */
  media = 0
  #base = 0
  #at = 0
  #lateSince = 0
  /** When frames last came faster than time, at the start of a stream: they were catching up. */
  caughtUpAt = 0

  of(now: number, stamp: number): number {
    if (this.#stamp === null) {
      this.#base = now
      this.caughtUpAt = now
    } else {
      // Time stamps wrap at 32 bits: the shorter way round is the step.
      const step = (stamp - this.#stamp) | 0
      this.media += step / 90
      this.#base += (now - this.#at) * DRIFT
    }
    this.#stamp = stamp
    const lag = now - this.media - this.#base
    if (lag < -BURST_MS) this.caughtUpAt = now
    if (lag < 0 || lag > OTHER_CLOCK_MS) return this.#rebase(now)
    if (lag < STALE_MS || now - this.#at > STALE_MS) this.#lateSince = now
    else if (now - this.#lateSince > STEADY_MS) return this.#rebase(now)
    this.#at = now
    return lag
  }

  #rebase(now: number): number {
    this.#base = now - this.media
    this.#at = this.#lateSince = now
    return 0
  }
}

export class FrameClock {
  /** Frames decoded since the start; never runs back. */
  frames = 0
  /** Local epoch ms of the newest frame; 0 before the first. */
  lastAt = 0
  /** How often there was another picture to be seen; where the page draws none, to be decoded. */
  pictures = 0
  fps = 0
  #delayMs = 0
  #decoded: number | null = 0
  #lag = new Lag()
  #lagMs = 0
  #flowingSince = 0
  #firstAt = 0
  #pictureAt = 0
  #draws = false
  #window: { at: number; frames: number; media: number } | null = null

  /** A frame was drawn. delayMs: how old its picture was at that moment, as far as known; stamp: its RTP time stamp. */
  drawn(now: number, count: number, delayMs: number, stamp?: number): void {
    this.frames += Math.max(1, count)
    this.#decoded = null
    this.#draws = true
    this.#flow(now)
    this.#see(now)
    this.lastAt = now
    this.#lagMs = stamp === undefined ? 0 : this.#lag.of(now, stamp)
    // Smoothed: a single late frame is not worth a flicker of the figure.
    this.#delayMs = this.frames <= 2 ? delayMs : this.#delayMs * 0.8 + delayMs * 0.2
    this.#rate(now)
  }

  /**
   * The decoder's own counter, which goes on while nothing is drawn, such as in a hidden tab. stamp: the
   * RTP time stamp of the newest frame, where known.
   */
  decoded(now: number, total: number, stamp?: number): void {
    const before = this.#decoded
    this.#decoded = total
    // What was drawn is counted already: the first look after that only takes the count.
    if (before === null || total <= before) return
    this.frames += total - before
    this.#flow(now)
    if (!this.#draws) this.#see(now)
    this.lastAt = now
    this.#lagMs = stamp === undefined ? 0 : this.#lag.of(now, stamp)
    this.#rate(now)
  }

  /** A new decoder counts from nought. */
  restart(): void {
    this.#decoded = 0
  }

  /** How old the shown picture is, in ms; null before the first frame. */
  age(now: number): number | null {
    if (this.lastAt === 0) return null
    return Math.max(0, now - this.lastAt) + Math.max(this.#delayMs, this.#lagMs)
  }

  stale(now: number): boolean {
    return this.lastAt > 0 && (now - this.lastAt >= STALE_MS || this.#lagMs >= STALE_MS)
  }

  /** For how long frames have been coming without a pause. */
  flowing(now: number): number {
    return this.stale(now) || this.lastAt === 0 ? 0 : now - this.#flowingSince
  }

  /**
   * For how long pictures have come no faster than time, up to the newest that was seen: a stream starts with
   * older ones, in a burst, and where the machine is busy that burst may be a while in coming, or in being drawn.
   */
  get settled(): number {
    return this.#pictureAt - Math.max(this.#firstAt, this.#lag.caughtUpAt)
  }

  /** Local epoch ms at which the shown picture was new. */
  get newAt(): number {
    return this.lastAt === 0 ? 0 : this.lastAt - this.#lagMs
  }

  /** For a figure that must fall to 0 when frames stop. */
  rate(now: number): number {
    return this.stale(now) ? 0 : this.fps
  }

  #flow(now: number): void {
    if (this.lastAt === 0) this.#firstAt = now
    if (this.lastAt === 0 || now - this.lastAt >= STALE_MS) this.#flowingSince = now
  }

  #see(now: number): void {
    this.pictures++
    this.#pictureAt = now
  }

  #rate(now: number): void {
    const window = this.#window
    const from = { at: now, frames: this.frames, media: this.#lag.media }
    const span = window ? now - window.at : Infinity
    // Pictures that are caught up with are no rate: the burst that a stream starts with, which a busy machine draws by and by.
    if (!window || span > 3 * RATE_WINDOW_MS || this.#lag.caughtUpAt > window.at || from.media - window.media - span > CATCHING_UP_MS) {
      this.#window = from
      return
    }
    if (span < RATE_WINDOW_MS) return
    this.fps = Math.round(((this.frames - window.frames) * 1000) / span)
    this.#window = from
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
