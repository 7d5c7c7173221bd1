/**
 * Up to four cameras' footage, played in step: one clock, one video element for each. Outside Vue's
 * reactivity, like the wall; it writes its own DOM.
 *
 * Invariants:
 * - All pictures show the clock's time, to a frame; while one of them is not there yet, all wait for it.
 * - Where none of them has footage the clock goes on to where one has, and says so; at the end it stops.
 * - destroy() ends every request, decoder, timer and handler.
 */
import type { Profile } from '../api/types'
import { Clock } from './clock'
import type { MediaDoor } from './door'
import { AIM_FRAME_S, slowest } from './step'
import { PlayTile } from './tile'
import { SECOND, missingAt, nextFootage, type Lane, type Span } from './timeline'
import { Track, browserAround, type Around } from './track'
import { clockMs, day, said, type ScreenState, type Words } from './words'
import './playback.css'

export const MOST_CAMERAS = 4
export const RATES = [0.5, 1, 2, 4, 8] as const
export type Rate = (typeof RATES)[number]

export interface PlaybackOptions {
  door: MediaDoor
  /** Name of who looks, for the watermark. */
  viewer: string
  t: Words
  nameOf(camera: string): string
  /** The server's time now, epoch ms: nothing is recorded beyond it. */
  serverNow(): number
  onChange(): void
  around?: Around
}

export interface PlaybackView {
  at: number
  playing: boolean
  /** Playing, but somebody's picture is awaited. */
  waiting: boolean
  rate: Rate
  selected: number
  states: ScreenState[]
  ended: boolean
  /** The last gap that was passed over by itself. */
  skipped: { from: number; to: number } | null
  sound: boolean
}

const TICK_MS = 40
/** Sound at a higher speed than this is noise. */
const SOUND_RATE = 2
/** Media time 0 lies so long before the first moment asked for: the key frame before it must not be negative. */
const LEAD_MS = 120 * SECOND
/** An epoch this far away costs nothing in precision. */
const EPOCH_REACH_MS = 40 * 86_400 * SECOND
/** What is further apart are not two pictures but a gap. */
const LONGEST_FRAME_S = 1
/** The end of what is recorded and the moment "now" are never nearer than a flushed part. */
const LIVE_EDGE_MS = 3_000

interface Seat {
  track: Track
  tile: PlayTile
}

export class Playback {
  readonly root: HTMLElement
  #clock: Clock
  #seats: Seat[] = []
  #cameras: string[] = []
  #profiles = new Map<string, Profile>()
  #lanes: readonly Lane[] = []
  #epoch = 0
  #selected = 0
  #ended = false
  #sound = false
  #skipped: { from: number; to: number } | null = null
  #stepping: AbortController | null = null
  #timer: ReturnType<typeof setInterval>
  #around: Around
  #t: Words
  #minute = ''
  #told = ''

  constructor(el: HTMLElement, private readonly options: PlaybackOptions) {
    this.#around = options.around ?? browserAround
    this.#t = options.t
    this.#clock = new Clock(() => this.#around.now(), 0)
    this.root = document.createElement('div')
    this.root.className = 'se-play'
    this.root.setAttribute('role', 'group')
    this.root.setAttribute('aria-label', this.#t('playback.label'))
    el.append(this.root)
    this.root.addEventListener('click', this.#clicked)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** These cameras, at this time; those that stay keep what they hold. */
  load(cameras: readonly string[], profiles: ReadonlyMap<string, Profile>, at: number): void {
    const wanted = cameras.slice(0, MOST_CAMERAS)
    const far = Math.abs(at - this.#epoch) > EPOCH_REACH_MS || at < this.#epoch + LEAD_MS / 2
    if (far) this.#epoch = Math.floor((at - LEAD_MS) / SECOND) * SECOND
    const kept = new Map(this.#seats.map((seat) => [seat.track.camera, seat]))
    this.#seats = wanted.map((camera) => {
      const seat = kept.get(camera)
      if (seat && !far && this.#profiles.get(camera) === profiles.get(camera)) {
        kept.delete(camera)
        return seat
      }
      return this.#seat(camera, profiles.get(camera) ?? 'main')
    })
    for (const { track, tile } of kept.values()) {
      track.close()
      tile.root.remove()
    }
    this.#profiles = new Map(profiles)
    this.#cameras = [...wanted]
    this.#selected = Math.min(this.#selected, Math.max(0, wanted.length - 1))
    this.#seats.forEach(({ tile }, i) => (tile.root.style.order = String(i)))
    this.root.dataset.count = String(wanted.length)
    this.#minute = ''
    this.seek(at)
  }

  /** What is known of the record, for the gaps' causes. */
  setLanes(lanes: readonly Lane[]): void {
    this.#lanes = lanes
  }

  view(): PlaybackView {
    return {
      at: this.#clock.at, playing: this.#clock.playing, waiting: this.#clock.playing && this.#clock.held, rate: this.#clock.rate as Rate,
      selected: this.#selected, states: this.#seats.map((seat) => this.#say(seat).state), ended: this.#ended, skipped: this.#skipped, sound: this.#sound,
    }
  }

  /** What a mark set now means: the selected camera's picture on the screen, from its first ms to its last. */
  picture(): Span {
    const at = this.#clock.at
    const track = this.#seats[this.#selected]?.track
    if (!track) return { from: at, to: at }
    const shown = (this.#clock.playing ? track.shownMedia : null) ?? track.toMedia(at)
    const [frame, next] = [track.frames.at(shown), track.frames.next(shown)]
    const from = frame && shown - frame.at < LONGEST_FRAME_S ? frame.at : shown
    const to = next && next.at - from < LONGEST_FRAME_S ? next.at : from + AIM_FRAME_S
    // A clip holds what begins in its time: whole ms before the two, so that no rounding loses this picture or takes the next.
    return { from: Math.floor(track.toTime(from)) - 1, to: Math.floor(track.toTime(to)) - 1 }
  }

  play(): void {
    if (this.#ended) this.#seats.forEach(({ track }) => track.moved(this.#clock.at))
    this.#ended = false
    this.#clock.play(true)
    this.#tick()
  }

  pause(): void {
    this.#clock.play(false)
    this.#tick()
  }

  toggle(): void {
    if (this.#clock.playing) this.pause()
    else this.play()
  }

  setRate(rate: Rate): void {
    this.#clock.setRate(rate)
    this.#tick()
  }

  seek(at: number): void {
    this.#stepping?.abort()
    const latest = this.options.serverNow() - LIVE_EDGE_MS
    const to = Math.min(at, latest)
    if (to < this.#epoch + LEAD_MS / 2 && this.#cameras.length > 0) return this.load(this.#cameras, this.#profiles, to)
    this.#clock.set(to)
    this.#ended = false
    this.#skipped = null
    for (const { track } of this.#seats) track.moved(to)
    this.#tick()
  }

  select(i: number): void {
    if (i < 0 || i >= this.#seats.length) return
    this.#selected = i
    this.#tick()
  }

  toggleSound(): void {
    this.#sound = !this.#sound
    this.#tick()
  }

  /** The selected camera's next frame; the others show theirs of that moment. */
  stepForward(): void {
    this.#clock.play(false)
    const track = this.#seats[this.#selected]?.track
    if (!track) return
    const shown = track.shownMedia ?? track.toMedia(this.#clock.at)
    const next = track.frames.next(shown)
    this.#stand(next ? track.toTime(next.at) : track.toTime(shown) + AIM_FRAME_S * SECOND)
  }

  /** The selected camera's key frame before this one. */
  async stepBack(): Promise<void> {
    this.#clock.play(false)
    const track = this.#seats[this.#selected]?.track
    if (!track) return
    const shown = track.shownMedia ?? track.toMedia(this.#clock.at)
    const before = track.frames.keyBefore(shown)
    if (before && track.has(track.toTime(before.at))) return this.#stand(track.toTime(before.at))
    this.#stepping?.abort()
    const mine = (this.#stepping = new AbortController())
    const times = await this.options.door
      .keyframes(track.camera, this.#profiles.get(track.camera) ?? 'main', Math.floor(track.toTime(shown)), mine.signal)
      .catch(() => [])
    const at = times.findLast((one) => one < track.toTime(shown) - 1)
    if (!mine.signal.aborted && at !== undefined) this.seek(at)
  }

  /** Tries again what was given up. */
  retry(): void {
    for (const { track } of this.#seats) track.retry()
    this.#tick()
  }

  setWords(t: Words): void {
    this.#t = t
    this.root.setAttribute('aria-label', t('playback.label'))
    this.#minute = ''
    this.#tick()
  }

  destroy(): void {
    clearInterval(this.#timer)
    this.#stepping?.abort()
    this.root.removeEventListener('click', this.#clicked)
    for (const { track } of this.#seats) track.close()
    this.#seats = []
    this.root.remove()
  }

  #seat(camera: string, profile: Profile): Seat {
    const tile = new PlayTile(camera)
    const { door, serverNow } = this.options
    const missing = (at: number) => missingAt(this.#lanes.find((lane) => lane.camera === camera), at)
    const track = new Track({ camera, profile, video: tile.video, door, epoch: this.#epoch, serverNow, missing, around: this.#around })
    this.root.append(tile.root)
    return { tile, track }
  }

  /** Like seek, but inside what is shown already. */
  #stand(at: number): void {
    this.#clock.set(at)
    this.#ended = false
    this.#tick()
  }

  #tick(): void {
    if (this.#seats.length > 0) this.#keep()
    this.#show()
    const view = this.view()
    const told = JSON.stringify({ ...view, at: Math.floor(view.at / 100) })
    if (told === this.#told) return
    this.#told = told
    this.options.onChange()
  }

  #keep(): void {
    const at = this.#clock.at
    const rate = this.#clock.rate
    const tracks = this.#seats.map(({ track }) => track)
    for (const track of tracks) track.tick(at, rate)
    const states = tracks.map((track) => track.stateAt(at))
    if (!this.#clock.playing) {
      this.#clock.hold(false)
      tracks.forEach((track) => track.has(at) && track.stand(at))
      return
    }
    if (states.includes('loading')) {
      this.#clock.hold(true)
      tracks.forEach((track) => track.has(at) && track.stand(at))
      return
    }
    if (!states.includes('ready')) return this.#skip(tracks, at)
    this.#clock.hold(false)
    const ready = tracks.filter((_, i) => states[i] === 'ready')
    // Where a decoder cannot keep up the clock goes with it, instead of running away from it.
    const late = slowest(ready.map((track) => track.drift(at)), rate)
    if (late < 0) this.#clock.set(at + late * SECOND)
    for (const track of tracks) {
      if (ready.includes(track)) track.follow(this.#clock.at, rate)
      else if (!track.video.paused) track.video.pause()
    }
  }

  /** Nobody has footage here. */
  #skip(tracks: readonly Track[], at: number): void {
    const nexts = tracks.map((track) => track.nextAt(at)).filter((next): next is number => next !== null)
    const known = nextFootage(this.#lanes.filter((lane) => this.#cameras.includes(lane.camera)), at + SECOND)
    const next = nexts.length > 0 ? Math.min(...nexts) : known
    if (next !== null && next > at && next < this.options.serverNow() - LIVE_EDGE_MS) {
      const from = this.#skipped && at - this.#skipped.to < SECOND ? this.#skipped.from : at
      this.#clock.set(next)
      for (const track of tracks) track.moved(next)
      this.#skipped = { from, to: next }
      return
    }
    this.#clock.play(false)
    this.#clock.hold(false)
    this.#ended = true
    for (const track of tracks) if (!track.video.paused) track.video.pause()
  }

  #say({ track }: Seat) {
    const lane = this.#lanes.find((one) => one.camera === track.camera)
    return said(track, lane, this.#clock.at, this.#around.now(), this.#t)
  }

  #show(): void {
    const { rate, playing } = this.#clock
    this.#seats.forEach((seat, i) => {
      const { track, tile } = seat
      const selected = this.#seats.length > 1 && i === this.#selected
      const sounding = this.#sound && i === this.#selected && rate <= SOUND_RATE && playing
      if (track.video.muted === sounding) track.video.muted = !sounding
      const shown = track.shownAt ?? this.#clock.at
      tile.show({
        name: this.options.nameOf(track.camera), said: this.#say(seat), time: `${day(shown)} ${clockMs(shown)}`, shownAt: track.shownAt,
        rate: playing ? `×${rate}` : this.#t('playback.paused'), selected, sounding,
      })
    })
    const minute = new Date(this.options.serverNow()).toTimeString().slice(0, 5)
    if (minute === this.#minute) return
    this.#minute = minute
    for (const { tile } of this.#seats) tile.watermark(`${this.options.viewer} ${minute}`)
  }

  readonly #clicked = (event: MouseEvent) => {
    const tile = event.target instanceof Element ? event.target.closest('.tile') : null
    const i = this.#seats.findIndex((seat) => seat.tile.root === tile)
    if (i >= 0) this.select(i)
  }
}
