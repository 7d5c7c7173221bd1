/**
 * One stream on one video element: the WHEP session, the frame clock, and what to say of both.
 *
 * Invariants:
 * - The element and the session are given back exactly once, by close().
 * - 'live' is said only while new frames are decoded; nothing else ever looks live.
 * - It is silent until listen(true); sound never starts by itself.
 * - It heals itself: a session that is up, from a camera that is said to be live, but without a new
 *   frame for REOPEN_MS is opened anew.
 */
import { drawDelay, FrameClock } from './frames'
import { codecName, Meter, type Figures, type Inbound } from './meter'
import type { VideoPool } from './pool'
import { WhepSession, type LinkState, type Profile, type Surroundings, type Told, type Trouble } from './whep'

export type PlayerState = 'connecting' | 'waiting' | 'live' | 'stale' | 'offline' | 'refused'

/** none: the camera has no sound; blocked: the browser wants a press of a key or button first. */
export type Sound = 'off' | 'starting' | 'on' | 'none' | 'blocked'

export interface PlayerView {
  state: PlayerState
  /** Since when this state holds, local epoch ms. */
  since: number
  profile: Profile
  /** The codec as the camera sends it; empty when not told. */
  codec: string
  transcoded: boolean
  sound: Sound
  figures: Figures | null
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
/** A camera that sends no sound for so long has none. */
const MUTE_MS = 3_000
/** The decoder's counters are read this often, for the figures. */
const SAMPLE_MS = 1_000

export interface PlayerOptions {
  cameraId: string
  profile: Profile
  pool: VideoPool
  /** Ask for the sound, too; it is heard after listen(true). */
  sound?: boolean
  /** Called on each change of state, and on the first frame drawn after a start. */
  onChange(): void
  onFirstFrame?(): void
  /** The request for the stream is on its way. */
  onAsked?(): void
  /** See WhepOptions. */
  hold?(): boolean
  around: Surroundings
}

export class Player {
  readonly video: HTMLVideoElement
  readonly clock = new FrameClock()
  #session: WhepSession
  #state: PlayerState = 'connecting'
  #since: number
  #link: LinkState = { state: 'closed' }
  #told: Told
  #trouble: Trouble | null = null
  #meter = new Meter()
  #sampledAt = 0
  #sound: Sound = 'off'
  #microphone: RTCRtpReceiver | null = null
  /** When sound last arrived; before the first, since when it is waited for. */
  #heardAt = 0
  #packets = 0
  #receiver: RTCRtpReceiver | null = null
  #callback = 0
  #presented = 0
  #upAt = 0
  #reopenedAt = 0
  #closed = false
  #asking = false

  constructor(private readonly options: PlayerOptions) {
    const { around } = options
    this.#told = { profile: options.profile, transcoded: false, sound: true }
    this.#since = around.now()
    this.video = options.pool.take()
    this.#session = new WhepSession({
      url: `/api/v1/cameras/${encodeURIComponent(options.cameraId)}/whep?profile=${options.profile}`,
      onState: (state) => this.#onLink(state),
      onStream: (stream, receiver) => this.#onStream(stream, receiver),
      onTold: (told) => { this.#told = told },
      onSound: (receiver) => {
        this.#microphone = receiver
        this.#packets = 0
        this.#heardAt = this.#now()
      },
      onAsked: options.onAsked, sound: options.sound, hold: options.hold,
    }, around)
  }

  /** Whether its session carries sound. */
  get sound(): boolean {
    return this.options.sound ?? false
  }

  /** Begins; from here on onChange may be called. */
  start(): void {
    this.#watch()
    this.#session.open()
  }

  view(now: number): PlayerView {
    const { clock, video } = this
    const view: PlayerView = {
      state: this.#state, since: this.#since, profile: this.#told.profile ?? this.options.profile,
      codec: this.#told.codec ?? '', transcoded: this.#told.transcoded, sound: this.#sounds(), figures: this.#meter.figures,
      width: video.videoWidth || 0, height: video.videoHeight || 0,
      fps: clock.rate(now), frames: clock.frames, ageMs: clock.age(now), lastAt: clock.newAt, flowingMs: clock.flowing(now),
    }
    if (this.#trouble) view.trouble = this.#trouble
    if (this.#link.state === 'waiting') view.retryAt = this.#link.retryAt
    return view
  }

  /**
   * Looks at the clock; the wall calls it a few times a second. giving: whether the camera is said
   * to give frames at all; null when nothing is known.
   */
  tick(now: number, giving: boolean | null): void {
    if (this.#closed) return
    const missing = this.clock.lastAt === 0 ? this.#link.state === 'connected' : now - this.clock.lastAt > 1_000
    if (missing || now - this.#sampledAt >= SAMPLE_MS) void this.#askDecoder(now, missing)
    this.#judge(now)
    const quietSince = Math.max(this.clock.lastAt, this.#upAt, this.#reopenedAt)
    if (this.#link.state === 'connected' && giving !== false && now - quietSince > REOPEN_MS) {
      this.#reopenedAt = now
      this.#session.reopen()
    }
  }

  /** The camera, the network or a right came back: do not wait for the end of the back-off. */
  nudge(rights = false): void {
    this.#session.nudge(rights)
  }

  /** Sound on or off. volume: 0 to 1. */
  listen(on: boolean, volume: number): void {
    this.video.volume = volume
    if (on === (this.#sound === 'on')) return
    this.#sound = on ? 'on' : 'off'
    this.video.muted = !on
    if (on) this.video.play()?.catch((cause: unknown) => this.#hushed(cause))
  }

  /** The browser lets no page sound that nobody has touched: the picture goes on without. */
  #hushed(cause: unknown): void {
    if (this.#closed || !(cause instanceof DOMException) || cause.name !== 'NotAllowedError') return
    this.#sound = 'blocked'
    this.video.muted = true
    this.video.play()?.catch(() => undefined)
    this.options.onChange()
  }

  #sounds(): Sound {
    if (this.#sound === 'off' || this.#sound === 'blocked') return this.#sound
    const mute = !this.#told.sound || (this.#heardAt > 0 && this.#now() - this.#heardAt > MUTE_MS && this.#state === 'live')
    return mute ? 'none' : 'on'
  }

  close(keepalive = false): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#callback && 'cancelVideoFrameCallback' in this.video) this.video.cancelVideoFrameCallback(this.#callback)
    this.#session.close(keepalive)
    this.#receiver = this.#microphone = null
    this.options.pool.give(this.video)
  }

  #now(): number {
    return this.options.around.now()
  }

  #onLink(link: LinkState): void {
    if (this.#closed) return
    this.#link = link
    // A new try does not take the reason back: its success does.
    if (link.state === 'waiting' || link.state === 'refused') this.#trouble = link.trouble
    if (link.state === 'connected') {
      this.#trouble = null
      this.#upAt = this.#now()
    }
    this.#judge(this.#now())
  }

  #onStream(stream: MediaStream, receiver: RTCRtpReceiver): void {
    if (this.#closed) return
    this.#receiver = receiver
    this.clock.restart()
    this.#meter.restart()
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

  /** The decoder's counters: for the figures, and when frames seem to be missing: a hidden tab draws nothing. */
  async #askDecoder(now: number, missing: boolean): Promise<void> {
    const receiver = this.#receiver
    if (this.#asking || !receiver) return
    this.#asking = true
    this.#sampledAt = now
    try {
      const stats = await receiver.getStats()
      if (this.#closed) return
      const stamp = receiver.getSynchronizationSources?.()[0]?.rtpTimestamp
      stats.forEach((entry: Inbound & { type: string }) => {
        if (entry.type !== 'inbound-rtp' || entry.framesDecoded === undefined) return
        const codec = entry.codecId ? (stats.get(entry.codecId) as { mimeType?: string } | undefined) : undefined
        this.#meter.sample(now, entry, codecName(codec?.mimeType))
        if (!missing) return
        const first = this.clock.lastAt === 0
        this.clock.decoded(now, entry.framesDecoded, stamp)
        if (this.clock.lastAt === now) this.#frameCame(first)
      })
      await this.#askMicrophone(now)
    } catch {
      // A closed connection has no figures; the next tick says what it is.
    } finally {
      this.#asking = false
    }
  }

  async #askMicrophone(now: number): Promise<void> {
    const stats = await this.#microphone?.getStats()
    stats?.forEach((entry: { type: string; packetsReceived?: number }) => {
      if (entry.type !== 'inbound-rtp' || entry.packetsReceived === undefined || entry.packetsReceived === this.#packets) return
      this.#packets = entry.packetsReceived
      this.#heardAt = now
    })
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
