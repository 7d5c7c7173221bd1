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
/** A stream starts with the frames since its last key frame, in a burst: shown when it has caught up. */
export const CATCH_UP_MS = 250

export interface FeedOptions {
  stage: HTMLElement
  pool: VideoPool
  onChange(): void
  /** True for a camera that is known to be down: it is not asked until it comes back. */
  hold?(camera: string): boolean
  around?: Surroundings
}

export class Feed {
  #shown: Player | null = null
  #next: Player | null = null
  #nextSince = 0
  #swapTimer: ReturnType<typeof setTimeout> | undefined
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
      this.#shown = this.#make(profile, false)
      this.#shown.start()
      return
    }
    if (profile === this.#profile) return
    this.#profile = profile
    this.#dropNext()
    // Nothing worth keeping on screen: simply start over.
    if (!this.#shown || this.#shown.clock.lastAt === 0) {
      this.#shown?.close()
      this.#shown = this.#make(profile, false)
      this.#shown.start()
    } else if (this.#shown.view(Date.now()).profile !== profile) {
      this.#nextSince = performance.now()
      this.#next = this.#make(profile, true)
      this.#next.start()
    }
  }

  view(now: number): PlayerView | null {
    return this.#shown?.view(now) ?? null
  }

  tick(now: number, giving: boolean | null): void {
    this.#shown?.tick(now, giving)
    this.#next?.tick(now, giving)
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
    this.#shown = this.#make(this.#profile, false)
    this.#shown.start()
  }

  #make(profile: Profile, behind: boolean): Player {
    const camera = this.#camera!
    const player = new Player({
      cameraId: camera, profile, pool: this.options.pool, around: this.options.around,
      hold: () => this.options.hold?.(camera) ?? false,
      onChange: () => { if (player === this.#shown) this.options.onChange() },
      onFirstFrame: () => { if (player === this.#next) this.#swapTimer = setTimeout(() => this.#swap(), CATCH_UP_MS) },
    })
    player.video.classList.toggle('behind', behind)
    this.options.stage.append(player.video)
    return player
  }

  #swap(): void {
    if (!this.#next) return
    const old = this.#shown
    this.#shown = this.#next
    this.#next = null
    this.#shown?.video.classList.remove('behind')
    old?.close()
    this.options.onChange()
  }

  #dropNext(keepalive = false): void {
    clearTimeout(this.#swapTimer)
    this.#next?.close(keepalive)
    this.#next = null
  }
}
