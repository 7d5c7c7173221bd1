/**
 * One camera's footage in one video element: asked for run by run, kept ready a little ahead of the clock.
 *
 * Invariants:
 * - At most one run is on its way. One that the clock has left is given up.
 * - Nothing is asked for where the server has said that nothing is, until that may have changed.
 * - What is held is bounded: see plan.ts.
 */
import { Closed, MediaBuffer, browserSource, mimeOf, type SourceMaker } from './buffer'
import type { MediaDoor } from './door'
import { FrameList, FrameReader } from './frames'
import { FIRST_S, RUN_S, SEAM_S, ahead, around, pull, readyUntil, surplus } from './plan'
import { SECOND, holds, type Span } from './timeline'
import type { Profile } from '../api/types'

export interface Around {
  now(): number
  source: SourceMaker
}
export const browserAround: Around = { now: () => performance.now(), source: browserSource }

export type TrackState = 'loading' | 'ready' | 'gap' | 'end' | 'unsupported' | 'error' | 'refused'
export type Trouble = 'network' | 'server' | 'forbidden' | 'signed_out' | 'too_many' | 'decode'

export interface TrackOptions {
  camera: string
  profile: Profile
  video: HTMLVideoElement
  door: MediaDoor
  /** Epoch ms of media time 0; the same for all that play in step. */
  epoch: number
  /** The server's time now, epoch ms. */
  serverNow(): number
  /** Where it is known already that nothing is recorded at this time: when there is something next, Infinity for never. */
  missing?(at: number): number | null
  around?: Around
}

interface Run extends Span {
  /** Start of what follows, epoch ms; null: nothing follows. */
  next: number | null
}
interface Hole extends Span {
  checked: number
}

const RUNS_MOST = 200
/** What was seen just now is not on the disk yet: it is not asked for. */
const FLUSH_MS = 2_500
/** The end of the record moves on: it is asked for again after so long. */
const AGAIN_MS = 1_500
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000]
/** So often a decoder may give up before it is left alone. */
const REBUILDS = 3
const TIDY_MS = 2_000
/** Further off than this an element is put where it belongs; nearer, it comes by its speed. */
const JUMP_S = 1.2
const AIM_S = 0.002
/** Standing anywhere else, even a ms on, might be standing in the next frame: a mark means this one. */
const STANDS_S = 0.0005
/** HTMLMediaElement.HAVE_CURRENT_DATA */
const HAVE_CURRENT_DATA = 2

export class Track {
  readonly camera: string
  readonly video: HTMLVideoElement
  readonly frames = new FrameList()
  /** Codecs of what came last, as in a MIME type. */
  codecs = ''
  /** The frame on the screen, epoch ms; null before the first. */
  shownAt: number | null = null
  trouble: Trouble | null = null
  retryAt = 0
  #options: TrackOptions
  #around: Around
  #buffer: MediaBuffer
  #runs: Run[] = []
  #holes: Hole[] = []
  #asking: { from: number; abort: AbortController } | null = null
  #failures = 0
  #rebuilds = 0
  #final: 'unsupported' | 'refused' | 'error' | null = null
  #tidyAt = 0
  #bytesPerSecond = 0
  #closed = false

  constructor(options: TrackOptions) {
    this.#options = options
    this.#around = options.around ?? browserAround
    this.camera = options.camera
    this.video = options.video
    this.video.addEventListener('error', this.#broke)
    this.#buffer = new MediaBuffer(this.video, this.#around.source)
    this.#watch()
  }

  /** What can be shown at this time. */
  stateAt(at: number): TrackState {
    if (this.#final) return this.#final
    const m = this.#media(at)
    if (readyUntil(this.#buffer.ranges(), m) !== null) {
      return this.video.seeking || this.video.readyState < HAVE_CURRENT_DATA ? 'loading' : 'ready'
    }
    const hole = this.#holeAt(at)
    if (hole) return Number.isFinite(hole.to) ? 'gap' : 'end'
    return at > this.#options.serverNow() - FLUSH_MS ? 'end' : 'loading'
  }

  /** Whether the footage of this time is here, decoded or not. */
  has(at: number): boolean {
    return readyUntil(this.#buffer.ranges(), this.#media(at)) !== null
  }

  /** When there is footage again, for a time in a gap; null when that is not known. */
  nextAt(at: number): number | null {
    const hole = this.#holeAt(at)
    return hole && Number.isFinite(hole.to) ? hole.to : null
  }

  /** Media time of the frame on the screen. */
  get shownMedia(): number | null {
    return this.shownAt === null ? null : this.#media(this.shownAt)
  }

  toMedia(at: number): number {
    return this.#media(at)
  }
  toTime(media: number): number {
    return this.#options.epoch + media * SECOND
  }

  /** The clock was moved: what is on its way is wanted only if it leads there. */
  moved(at: number): void {
    if (this.#final === 'error') this.#final = null
    this.#failures = 0
    this.retryAt = 0
    this.#holes = this.#holes.filter((hole) => Number.isFinite(hole.to))
    if (this.#asking && (at < this.#asking.from || !this.has(at))) {
      this.#asking.abort.abort()
      this.#asking = null
    }
  }

  /** Looks after the buffer. */
  tick(at: number, rate: number): void {
    if (this.#closed || this.#final) return
    const now = this.#around.now()
    const m = this.#media(at)
    const ranges = this.#buffer.ranges()
    const wanted = ahead(rate, this.#bytesPerSecond)
    if (now >= this.#tidyAt) {
      this.#tidyAt = now + TIDY_MS
      this.#tidy(surplus(ranges, m, wanted), m)
    }
    if (this.#asking || now < this.retryAt) return
    const from = this.#onwards(at, ranges)
    if (from === null) return
    if (from > this.#options.serverNow() - FLUSH_MS) return
    const next = this.#options.missing?.(from) ?? null
    if (next !== null) return this.#hole(from, next)
    if (from - at <= wanted * SECOND) void this.#ask(from, readyUntil(ranges, m) === null)
  }

  /** How far the element is ahead of the clock, s; it hops over a seam that the clock has passed. */
  drift(at: number): number {
    const m = this.#media(at)
    const ranges = this.#buffer.ranges()
    const here = around(ranges, this.video.currentTime)
    if (here !== around(ranges, m) && !this.video.seeking) {
      this.#put(m)
      return 0
    }
    return this.video.currentTime - m
  }

  /** Plays, in step with the clock. */
  follow(at: number, rate: number): void {
    const { video } = this
    const m = this.#media(at)
    const drift = this.drift(at)
    if (Math.abs(drift) > JUMP_S * Math.max(1, rate)) this.#put(m)
    const speed = pull(rate, drift)
    if (video.playbackRate !== speed) video.playbackRate = speed
    if (video.paused) void video.play().catch(() => undefined)
  }

  /** Stands at this time. */
  stand(at: number): void {
    const { video } = this
    if (!video.paused) video.pause()
    const m = this.#media(at)
    if (!video.seeking && Math.abs(video.currentTime - m - AIM_S) > STANDS_S) this.#put(m)
  }

  /** Tries again what was given up. */
  retry(): void {
    if (this.#final === 'unsupported') return
    this.#final = null
    this.trouble = null
    this.#rebuilds = 0
    this.#failures = 0
    this.retryAt = 0
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#asking?.abort.abort()
    this.video.removeEventListener('error', this.#broke)
    this.#buffer.close()
  }

  #media(at: number): number {
    return (at - this.#options.epoch) / SECOND
  }

  /** A hair behind the frame's own time, so that rounding never shows the one before. */
  #put(m: number): void {
    this.video.currentTime = m + AIM_S
  }

  #holeAt(at: number): Hole | null {
    return this.#holes.find((hole) => holds(hole, at)) ?? null
  }

  /** The first time from here on of which nothing is here yet; null: nothing more is to be had at the moment. */
  #onwards(at: number, ranges: readonly Span[]): number | null {
    let from = at
    for (let before = NaN, steps = 0; from !== before && steps < RUNS_MOST; steps++) {
      before = from
      const ready = readyUntil(ranges, this.#media(from))
      if (ready !== null) {
        const end = this.toTime(ready)
        // Exactly where the server said that the next run begins: by the element's own time it might be the last one again.
        const run = this.#runs.findLast((one) => Math.abs(one.to - end) <= SEAM_S * SECOND)
        from = run?.next ?? end
      }
      const hole = this.#holeAt(from)
      if (hole && Number.isFinite(hole.to)) from = hole.to
      else if (hole && this.#around.now() - hole.checked <= AGAIN_MS) return null
      else if (hole) this.#holes = this.#holes.filter((one) => one !== hole)
    }
    return from
  }

  async #ask(from: number, first: boolean): Promise<void> {
    const abort = new AbortController()
    const mine = (this.#asking = { from, abort })
    const { camera, profile, epoch, door } = this.#options
    try {
      const response = await door.run({ camera, profile, at: from, seconds: first ? FIRST_S : RUN_S, epoch }, abort.signal)
      if (response.status === 404) await this.#nothing(from, response)
      else if (!response.ok) this.#fail(troubleOf(response.status), response.status === 401 || response.status === 403)
      else await this.#take(from, response, abort.signal)
    } catch (fault) {
      if (!abort.signal.aborted && !(fault instanceof Closed)) this.#thrown(fault)
    } finally {
      if (this.#asking === mine) this.#asking = null
    }
  }

  async #nothing(from: number, response: Response): Promise<void> {
    await response.body?.cancel()
    const next = Date.parse(response.headers.get('X-Next') ?? '')
    this.#hole(from, Number.isFinite(next) && next > from ? next : Infinity)
  }

  async #take(from: number, response: Response, signal: AbortSignal): Promise<void> {
    const run = runOf(response.headers)
    const codecs = response.headers.get('X-Codecs') ?? ''
    this.codecs = codecs
    if (!run || !response.body) throw new Error('the answer does not say what it holds')
    if (!this.#around.source.supported(mimeOf(codecs))) {
      await response.body.cancel()
      this.#final = 'unsupported'
      return
    }
    if (run.from > from + SEAM_S * SECOND) this.#hole(from, run.from)
    await this.#buffer.begin(codecs)
    const reader = new FrameReader((frames) => this.frames.add(frames))
    let bytes = 0
    const body = response.body.getReader()
    for (;;) {
      const { done, value } = await body.read()
      if (done) break
      reader.push(value)
      bytes += value.length
      await this.#append(value as Uint8Array<ArrayBuffer>)
      signal.throwIfAborted()
    }
    this.#bytesPerSecond = (bytes * SECOND) / Math.max(SECOND, run.to - run.from)
    this.#runs = [...this.#runs.filter((one) => one.from !== run.from), run].slice(-RUNS_MOST)
    if (run.next === null) this.#hole(run.to, Infinity)
    else if (run.next - run.to > SEAM_S * SECOND) this.#hole(run.to, run.next)
    this.#failures = 0
    this.trouble = null
    // A run that leads no further would be asked for without end.
    if (run.to <= from) this.retryAt = this.#around.now() + RETRY_MS[1]!
  }

  async #append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#buffer.append(bytes)
    } catch (fault) {
      if (!(fault instanceof DOMException) || fault.name !== 'QuotaExceededError') throw fault
      const m = this.video.currentTime
      await this.#buffer.remove(0, Math.max(0.001, m - 2))
      await this.#buffer.append(bytes)
    }
  }

  #hole(from: number, to: number): void {
    // One seam earlier: the buffer's end and the run's differ by a frame.
    const hole = { from: from - SEAM_S * SECOND, to, checked: this.#around.now() }
    this.#holes = [...this.#holes.filter((one) => one.to !== to && Math.abs(one.from - hole.from) > SECOND), hole].slice(-RUNS_MOST)
  }

  #thrown(fault: unknown): void {
    const kind = (fault as { kind?: string } | null)?.kind
    if (kind === 'forbidden' || kind === 'invalid') this.#fail('forbidden', true)
    else if (kind === 'unauthenticated') this.#fail('signed_out', true)
    else if (kind === 'too_many') this.#fail('too_many', false)
    else this.#fail(fault instanceof TypeError || kind === 'network' ? 'network' : 'server', false)
  }

  #fail(trouble: Trouble, forGood: boolean): void {
    this.trouble = trouble
    if (forGood) this.#final = 'refused'
    this.retryAt = this.#around.now() + RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)]!
  }

  #tidy(spans: readonly Span[], m: number): void {
    for (const { from, to } of spans) void this.#buffer.remove(from, to).catch(() => undefined)
    if (spans.length > 0) this.frames.keep(m - 120, m + 300)
  }

  /** The decoder gave up: a new one begins behind what it could not read. */
  readonly #broke = () => {
    if (this.#closed || !this.video.error) return
    this.#asking?.abort.abort()
    this.#asking = null
    this.#buffer.close()
    this.frames.clear()
    this.#runs = []
    this.trouble = 'decode'
    if (++this.#rebuilds > REBUILDS) this.#final = 'error'
    this.retryAt = this.#around.now() + RETRY_MS[0]!
    this.#buffer = new MediaBuffer(this.video, this.#around.source)
  }

  #watch(): void {
    const { video } = this
    if (typeof video.requestVideoFrameCallback !== 'function') return
    const drawn = (_now: number, { mediaTime }: { mediaTime: number }) => {
      if (this.#closed) return
      this.shownAt = this.toTime(mediaTime)
      video.requestVideoFrameCallback(drawn)
    }
    video.requestVideoFrameCallback(drawn)
  }
}

function runOf(headers: Headers): Run | null {
  const at = (name: string) => Date.parse(headers.get(name) ?? '')
  const [from, to, next] = [at('X-From'), at('X-To'), at('X-Next')]
  return Number.isFinite(from) && Number.isFinite(to) ? { from, to, next: Number.isFinite(next) ? next : null } : null
}

function troubleOf(status: number): Trouble {
  if (status === 401) return 'signed_out'
  if (status === 403) return 'forbidden'
  return status === 429 ? 'too_many' : 'server'
}
