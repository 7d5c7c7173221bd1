/**
 * One stream on one video element: the WHEP session, the frame clock, and what to say of both.
 *
 * Invariants:
 * - The element and the session are given back exactly once, by close().
 * - 'live' is said only while new frames are decoded; nothing else ever looks live.
 * - It heals itself: a session that is up, from a camera that is said to be live, but without a new
 *   frame for REOPEN_MS is opened anew.
 */
import { drawDelay, FrameClock } from './frames'
import type { VideoPool } from './pool'
import { WhepSession, browser, type LinkState, type Profile, type Surroundings, type Trouble } from './whep'

export type PlayerState = 'connecting' | 'waiting' | 'live' | 'stale' | 'offline' | 'refused'

export interface PlayerView {
  state: PlayerState
  /** Since when this state holds, local epoch ms. */
  since: number
  profile: Profile
  width: number
  height: number
  fps: number
  frames: number
  /** Age of the picture in ms, null before the first frame. */
  ageMs: number | null
  /** When the shown picture was new, local epoch ms, 0 for none. */
  lastAt: number
  /** For how long frames have been coming without a pause, ms. */
  flowingMs: number
  trouble?: Trouble
  retryAt?: number
}

/** A key frame may be 10 s away; only after that a session without frames is suspect. */
export const REOPEN_MS = 12_000

export interface PlayerOptions {
  cameraId: string
  profile: Profile
  pool: VideoPool
  /** Called on each change of state, and on the first frame drawn after a start. */
  onChange(): void
  onFirstFrame?(): void
  /** See WhepOptions. */
  hold?(): boolean
  around?: Surroundings
}

export class Player {
  readonly video: HTMLVideoElement
  readonly clock = new FrameClock()
  #session: WhepSession
  #state: PlayerState = 'connecting'
  #since: number
  #link: LinkState = { state: 'closed' }
  #profile: Profile
  #receiver: RTCRtpReceiver | null = null
  #callback = 0
  #presented = 0
  #upAt = 0
  #reopenedAt = 0
  #closed = false
  #asking = false

  constructor(private readonly options: PlayerOptions) {
    const around = options.around ?? browser
    this.#profile = options.profile
    this.#since = around.now()
    this.video = options.pool.take()
    this.#session = new WhepSession({
      url: `/api/v1/cameras/${encodeURIComponent(options.cameraId)}/whep?profile=${options.profile}`,
      onState: (state) => this.#onLink(state),
      onStream: (stream, receiver) => this.#onStream(stream, receiver),
      onProfile: (profile) => { this.#profile = profile },
      hold: options.hold,
    }, around)
  }

  /** Begins; from here on onChange may be called. */
  start(): void {
    this.#watch()
    this.#session.open()
  }

  view(now: number): PlayerView {
    const { clock, video } = this
    const view: PlayerView = {
      state: this.#state, since: this.#since, profile: this.#profile,
      width: video.videoWidth || 0, height: video.videoHeight || 0,
      fps: clock.rate(now), frames: clock.frames, ageMs: clock.age(now), lastAt: clock.newAt, flowingMs: clock.flowing(now),
    }
    if (this.#link.state === 'waiting') {
      view.trouble = this.#link.trouble
      view.retryAt = this.#link.retryAt
    } else if (this.#link.state === 'refused') view.trouble = this.#link.trouble
    return view
  }

  /**
   * Looks at the clock; the wall calls it a few times a second. giving: whether the camera is said
   * to give frames at all; null when nothing is known.
   */
  tick(now: number, giving: boolean | null): void {
    if (this.#closed) return
    if (this.clock.lastAt > 0 && now - this.clock.lastAt > 1_000) void this.#askDecoder(now)
    else if (this.clock.lastAt === 0 && this.#link.state === 'connected') void this.#askDecoder(now)
    this.#judge(now)
    const quietSince = Math.max(this.clock.lastAt, this.#upAt, this.#reopenedAt)
    if (this.#link.state === 'connected' && giving !== false && now - quietSince > REOPEN_MS) {
      this.#reopenedAt = now
      this.#session.reopen()
    }
  }

  /** The camera or the network came back: do not wait for the end of the back-off. */
  nudge(): void {
    this.#session.nudge()
  }

  close(keepalive = false): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#callback && 'cancelVideoFrameCallback' in this.video) this.video.cancelVideoFrameCallback(this.#callback)
    this.#session.close(keepalive)
    this.#receiver = null
    this.options.pool.give(this.video)
  }

  #now(): number {
    return (this.options.around ?? browser).now()
  }

  #onLink(link: LinkState): void {
    if (this.#closed) return
    this.#link = link
    if (link.state === 'connected') this.#upAt = this.#now()
    this.#judge(this.#now())
  }

  #onStream(stream: MediaStream, receiver: RTCRtpReceiver): void {
    if (this.#closed) return
    this.#receiver = receiver
    this.clock.restart()
    this.video.srcObject = stream
    // Muted inline video may always start; what is left is an element taken away meanwhile.
    this.video.play()?.catch(() => undefined)
  }

  #watch(): void {
    if (this.#closed || !('requestVideoFrameCallback' in this.video)) return
    this.#callback = this.video.requestVideoFrameCallback((_now, frame) => {
      if (this.#closed) return
      const count = frame.presentedFrames > this.#presented ? frame.presentedFrames - this.#presented : 1
      const first = this.clock.lastAt === 0
      // The first call of a reused element carries its whole life's count.
      this.clock.drawn(this.#now(), first ? 1 : Math.min(count, 120), drawDelay(frame), frame.rtpTimestamp)
      this.#presented = frame.presentedFrames
      if (first || this.#state !== 'live') this.#frameCame(first)
      this.#watch()
    })
  }

  #frameCame(first: boolean): void {
    this.#session.proven()
    this.#judge(this.clock.lastAt)
    if (first) this.options.onFirstFrame?.()
  }

  /** The decoder's counter, for tabs that draw nothing; asked only when frames seem to be missing. */
  async #askDecoder(now: number): Promise<void> {
    const receiver = this.#receiver
    if (this.#asking || !receiver) return
    this.#asking = true
    try {
      const stats = await receiver.getStats()
      if (this.#closed) return
      const stamp = receiver.getSynchronizationSources?.()[0]?.rtpTimestamp
      stats.forEach((entry: { type: string; framesDecoded?: number }) => {
        if (entry.type !== 'inbound-rtp' || entry.framesDecoded === undefined) return
        const first = this.clock.lastAt === 0
        this.clock.decoded(now, entry.framesDecoded, stamp)
        if (this.clock.lastAt === now) this.#frameCame(first)
      })
    } catch {
      // A closed connection has no figures; the next tick says what it is.
    } finally {
      this.#asking = false
    }
  }

  #judge(now: number): void {
    const next = this.#stateAt(now)
    if (next === this.#state) return
    this.#state = next
    const standing = (next === 'stale' || next === 'offline') && this.clock.lastAt > 0
    this.#since = standing ? this.clock.newAt : now
    this.options.onChange()
  }

  #stateAt(now: number): PlayerState {
    if (this.#link.state === 'refused') return 'refused'
    const { clock } = this
    if (clock.lastAt > 0 && !clock.stale(now)) return 'live'
    // A picture that once ran stays on the tile, named stale, while the session mends itself.
    if (clock.lastAt > 0 && this.#link.state !== 'waiting') return 'stale'
    if (this.#link.state === 'waiting') return 'offline'
    // Tries that follow a failure are part of the same outage.
    if (this.#state === 'offline' && this.#link.state === 'connecting') return 'offline'
    return this.#link.state === 'connected' ? 'waiting' : 'connecting'
  }
}
