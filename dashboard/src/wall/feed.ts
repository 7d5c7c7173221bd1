/**
 * A tile's picture: one player shown; while the stream is being changed a second one behind it,
 * which takes its place when it has caught up, so that there is no black moment and no step back;
 * before the first live frame the camera's last picture, as a still.
 *
 * Invariants:
 * - At most three players: the shown one, the next, and for a moment the one just replaced, which
 *   stays beneath until the new one has been drawn. Each that is opened is closed.
 * - A still is there only before the first live frame.
 */
import { Player, type PlayerView } from './player'
import type { VideoPool } from './pool'
import { Still, type StillLine } from './still'
import type { Profile, Surroundings } from './whep'

/** A stream starts with the frames since its last key frame, in a burst: it is shown when that is over for so long. */
const SETTLED_MS = 200
const LOOK_MS = 40
/** More pictures than a burst may hold: then its time stamps are of no use, and it is shown in any case. */
const CATCH_UP_PICTURES = 300
/** How long a replaced picture stays beneath the new one when the page draws nothing. */
const LEAVE_MS = 500

export interface FeedOptions {
  stage: HTMLElement
  pool: VideoPool
  stills: StillLine
  onChange(): void
  /** True for a camera that is known to be down: it is not asked until it comes back. */
  hold?(camera: string): boolean
  /** True when the server has a picture of it now; one that it would have to wait for comes no sooner than live video. */
  kept?(camera: string): boolean
  around: Surroundings
}

export interface Wanted {
  profile: Profile
  sound: boolean
}

export class Feed {
  #shown: Player | null = null
  #next: Player | null = null
  #leaving: Player | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #leaveTimer: ReturnType<typeof setTimeout> | undefined
  #camera: string | null = null
  #want: Wanted | null = null
  #volume = 1
  #still: Still
  /** Live video has been asked for. */
  #asked = false
  #stillAsked = false

  constructor(private readonly options: FeedOptions) {
    this.#still = new Still(options.stage, options.stills, options.around, () => options.onChange())
  }

  get camera(): string | null {
    return this.#camera
  }

  /** What was asked for last. */
  get profile(): Profile | null {
    return this.#want?.profile ?? null
  }

  /** When the still that stands in was taken, local epoch ms; 0 for none. */
  get stillAt(): number {
    return this.#still.takenAt
  }

  play(camera: string, want: Wanted): void {
    if (camera !== this.#camera) {
      this.close()
      this.#camera = camera
      this.#begin(want)
      return
    }
    const before = this.#want
    if (want.profile === before?.profile && want.sound === before.sound) return
    this.#want = want
    this.#dropNext()
    if (!want.sound) this.#shown?.listen(false, this.#volume)
    // Nothing worth keeping on screen: simply start over.
    if (!this.#shown || this.#shown.clock.lastAt === 0) {
      this.#shown?.close()
      this.#still.stop()
      this.#begin(want)
    } else if (!this.#fits(this.#shown, want)) {
      this.#next = this.#make(want, true)
      this.#next.start()
    } else this.#listen()
  }

  /** How loud it is when it sounds, 0 to 1. */
  set volume(volume: number) {
    this.#volume = volume
    this.#listen()
  }

  view(now: number): PlayerView | null {
    const view = this.#shown?.view(now) ?? null
    if (view && this.#want?.sound && !this.#shown?.sound) view.sound = 'starting'
    return view
  }

  tick(now: number, giving: boolean | null): void {
    this.#shown?.tick(now, giving)
    this.#next?.tick(now, giving)
  }

  nudge(rights = false): void {
    this.#shown?.nudge(rights)
    this.#next?.nudge(rights)
  }

  close(keepalive = false): void {
    this.#still.stop()
    this.#dropNext(keepalive)
    this.#dropLeaving(keepalive)
    this.#shown?.close(keepalive)
    this.#shown = null
    this.#camera = null
    this.#want = null
  }

  /** Ends the sessions of a page that is put away, and remembers what to start again. */
  suspend(): void {
    const [camera, want] = [this.#camera, this.#want]
    this.close(true)
    this.#camera = camera
    this.#want = want
  }

  resume(): void {
    if (!this.#shown && this.#camera && this.#want) this.#begin(this.#want)
  }

  #begin(want: Wanted): void {
    this.#want = want
    this.#asked = this.#stillAsked = false
    this.#shown = this.#make(want, false)
    this.#shown.start()
  }

  /** It became known what the camera is like: a start that is still waited for may have a still. */
  known(): void {
    if (this.#asked && this.#camera) this.#askStill(this.#camera)
  }

  /** Once for a start, beside the request for live video: tries that follow keep the still there is. */
  #askStill(camera: string): void {
    this.#asked = true
    if (this.#stillAsked || this.#shown?.clock.lastAt !== 0 || !this.options.kept?.(camera)) return
    this.#stillAsked = true
    this.#still.start(camera)
  }

  /** A camera without a sub stream answers with main: that is not asked for again. */
  #fits(player: Player, want: Wanted): boolean {
    return player.sound === want.sound && player.view(Date.now()).profile === want.profile
  }

  #make(want: Wanted, behind: boolean): Player {
    const camera = this.#camera!
    const player = new Player({
      cameraId: camera, profile: want.profile, sound: want.sound, pool: this.options.pool, around: this.options.around,
      hold: () => this.options.hold?.(camera) ?? false,
      onChange: () => { if (player === this.#shown) this.options.onChange() },
      onAsked: () => { if (player === this.#shown) this.#askStill(camera) },
      onFirstFrame: () => this.#firstFrame(player),
    })
    player.video.classList.add('behind')
    if (behind) player.video.classList.add('next')
    this.options.stage.append(player.video)
    return player
  }

  #firstFrame(player: Player): void {
    if (player === this.#next) return this.#catchUp(player)
    if (player !== this.#shown) return
    // The live picture lies over the still from this frame on; the still goes once it has been drawn.
    player.video.classList.remove('behind')
    this.#listen()
    if (this.#still.takenAt === 0) this.#still.stop()
    else afterDrawing(() => { if (this.#shown === player) this.#still.stop() })
  }

  #catchUp(player: Player): void {
    if (player !== this.#next) return
    if (player.clock.settled >= SETTLED_MS || player.clock.pictures > CATCH_UP_PICTURES) return this.#swap(player)
    this.#timer = setTimeout(() => this.#catchUp(player), LOOK_MS)
  }

  #swap(player: Player): void {
    this.#dropLeaving()
    this.#leaving = this.#shown
    this.#shown = player
    this.#next = null
    this.#leaving?.listen(false, this.#volume)
    player.video.classList.remove('behind', 'next')
    this.#listen()
    const old = this.#leaving
    const leave = () => { if (this.#leaving === old) this.#dropLeaving() }
    afterDrawing(leave)
    this.#leaveTimer = setTimeout(leave, LEAVE_MS)
    this.options.onChange()
  }

  #listen(): void {
    const player = this.#shown
    if (player) player.listen(player.sound && (this.#want?.sound ?? false), this.#volume)
  }

  #dropNext(keepalive = false): void {
    clearTimeout(this.#timer)
    this.#next?.close(keepalive)
    this.#next = null
  }

  #dropLeaving(keepalive = false): void {
    clearTimeout(this.#leaveTimer)
    this.#leaving?.close(keepalive)
    this.#leaving = null
  }
}

/** When what was changed now has been on the screen for a frame; at once where nothing is drawn. */
function afterDrawing(run: () => void): void {
  if (document.hidden || typeof requestAnimationFrame !== 'function') return run()
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(run)))
}
