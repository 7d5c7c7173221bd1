/**
 * One camera a little while ago, beside its live picture: it begins where it is told and plays on at the
 * same distance from now, until it is closed.
 */
import type { Profile } from '../api/types'
import { Clock } from './clock'
import type { MediaDoor } from './door'
import { SECOND, gapAt, type Lane } from './timeline'
import { Track, browserAround, type Around } from './track'
import { said, type Said, type Words } from './words'

export interface RewindOptions {
  camera: string
  profile: Profile
  /** Where its picture goes: an element of its size. */
  stage: HTMLElement
  door: MediaDoor
  serverNow(): number
  around?: Around
}

export interface RewindView {
  /** The time that is shown, epoch ms; null before the first picture. */
  at: number | null
  /** How long ago that was when it began, ms. */
  behindMs: number
  paused: boolean
  said: Said
}

const TICK_MS = 40
const LEAD_MS = 900 * SECOND
/** Footage is on the disk a second after it was seen, and asked for takes another. */
const NEAREST_MS = 3 * SECOND
const FARTHEST_MS = 600 * SECOND

export class Rewind {
  #video = document.createElement('video')
  #clock: Clock
  #track: Track
  #behindMs: number
  #timer: ReturnType<typeof setInterval>
  #around: Around

  constructor(private readonly options: RewindOptions, behindMs: number) {
    this.#around = options.around ?? browserAround
    const now = options.serverNow()
    this.#behindMs = behindMs
    this.#clock = new Clock(() => this.#around.now(), now - behindMs)
    this.#video.muted = true
    this.#video.playsInline = true
    options.stage.append(this.#video)
    const { camera, profile, door, serverNow } = options
    this.#track = new Track({ camera, profile, door, serverNow, video: this.#video, epoch: Math.floor((now - LEAD_MS) / SECOND) * SECOND, around: this.#around })
    this.#clock.play(true)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  view(t: Words, lane?: Lane): RewindView {
    const at = this.#clock.at
    return {
      at: this.#track.shownAt, behindMs: this.#behindMs, paused: !this.#clock.playing,
      said: said(this.#track, lane && (gapAt(lane, at) ? lane : undefined), at, this.#around.now(), t),
    }
  }

  /** Further back, or nearer to now. */
  shift(byMs: number): void {
    const behind = this.options.serverNow() - this.#clock.at - byMs
    const kept = Math.min(FARTHEST_MS, Math.max(NEAREST_MS, behind))
    this.#behindMs = Math.min(FARTHEST_MS, Math.max(NEAREST_MS, this.#behindMs - byMs))
    this.#clock.set(this.options.serverNow() - kept)
    this.#track.moved(this.#clock.at)
    this.#clock.play(true)
    this.#tick()
  }

  toggle(): void {
    this.#clock.play(!this.#clock.playing)
    this.#tick()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#track.close()
    this.#video.remove()
  }

  #tick(): void {
    const at = this.#clock.at
    const track = this.#track
    track.tick(at, 1)
    const state = track.stateAt(at)
    this.#clock.hold(this.#clock.playing && state !== 'ready')
    if (state === 'gap') {
      const next = track.nextAt(at)
      if (next !== null && next < this.options.serverNow() - NEAREST_MS) this.#clock.set(next)
    }
    if (!track.has(at)) return
    if (this.#clock.playing && !this.#clock.held) track.follow(at, 1)
    else track.stand(at)
  }
}
