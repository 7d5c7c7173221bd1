/**
 * A tile's picture: one player shown, and while the stream is being changed a second one behind it,
 * which takes its place with its first drawn frame, so that there is no black moment.
 *
 * Invariant: at most two players; each that is opened is closed.
 */
import { Player, type PlayerView } from './player'
import type { VideoPool } from './pool'
import type { Profile, Surroundings } from './whep'

/** A change of stream that brings no frame in this time is given up; the shown stream stays. */
export const SWAP_TIMEOUT_MS = 15_000

export interface FeedOptions {
  stage: HTMLElement
  pool: VideoPool
  onChange(): void
  around?: Surroundings
}

export class Feed {
  #shown: Player | null = null
  #next: Player | null = null
  #nextSince = 0
  #camera: string | null = null
  #profile: Profile | null = null

  constructor(private readonly options: FeedOptions) {}

  get camera(): string | null {
    return this.#camera
  }

  /** What was asked for last. */
  get profile(): Profile | null {
    return this.#profile
  }

  play(camera: string, profile: Profile): void {
    if (camera !== this.#camera) {
      this.close()
      this.#camera = camera
      this.#profile = profile
      this.#shown = this.#start(profile, false)
      return
    }
    if (profile === this.#profile) return
    this.#profile = profile
    this.#dropNext()
    // Nothing worth keeping on screen: simply start over.
    if (!this.#shown || this.#shown.clock.lastAt === 0) {
      this.#shown?.close()
      this.#shown = this.#start(profile, false)
    } else if (this.#shown.view(Date.now()).profile !== profile) {
      this.#nextSince = performance.now()
      this.#next = this.#start(profile, true)
    }
  }

  view(now: number): PlayerView | null {
    return this.#shown?.view(now) ?? null
  }

  tick(now: number, cameraLive: boolean | null): void {
    this.#shown?.tick(now, cameraLive)
    this.#next?.tick(now, cameraLive)
    if (this.#next && performance.now() - this.#nextSince > SWAP_TIMEOUT_MS) this.#dropNext()
  }

  nudge(): void {
    this.#shown?.nudge()
    this.#next?.nudge()
  }

  close(keepalive = false): void {
    this.#dropNext(keepalive)
    this.#shown?.close(keepalive)
    this.#shown = null
    this.#camera = null
    this.#profile = null
  }

  /** Ends the sessions of a page that is put away, and remembers what to start again. */
  suspend(): void {
    const [camera, profile] = [this.#camera, this.#profile]
    this.close(true)
    this.#camera = camera
    this.#profile = profile
  }

  resume(): void {
    if (this.#shown || !this.#camera || !this.#profile) return
    this.#shown = this.#start(this.#profile, false)
  }

  #start(profile: Profile, behind: boolean): Player {
    const player: Player = new Player({
      cameraId: this.#camera!, profile, pool: this.options.pool, around: this.options.around,
      onChange: () => { if (player === this.#shown) this.options.onChange() },
      onFirstFrame: () => { if (player === this.#next) this.#swap() },
    })
    player.video.classList.toggle('behind', behind)
    this.options.stage.append(player.video)
    return player
  }

  #swap(): void {
    const old = this.#shown
    this.#shown = this.#next
    this.#next = null
    this.#shown?.video.classList.remove('behind')
    old?.close()
    this.options.onChange()
  }

  #dropNext(keepalive = false): void {
    this.#next?.close(keepalive)
    this.#next = null
  }
}
