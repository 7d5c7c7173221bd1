/**
 * The wall: a fixed number of slots, a camera in each or none, and their video. Outside Vue's
 * reactivity: it reads the picture and writes its own DOM.
 *
 * Invariants:
 * - A camera's video runs only while its slot is in the layout; slots beyond it are remembered, not played.
 * - At most one tile sounds, and none until it was asked for.
 * - While one tile is zoomed the others go on playing, so that going back shows them at once.
 * - A tile that shows the past of another's camera gives its own back when that is closed.
 * - destroy() ends every session, timer and handler.
 */
import type { Picture } from '../picture/picture'
import { listenDrag } from './drag'
import { exchange, listenSleep, meant, turnOf, type On } from './events'
import { Feed } from './feed'
import { besideOf, isLayout, neighbour, profileFor, shapeFor, type Direction, type Layout, type Shape } from './layout'
import { PastTiles, type PastDoor } from './past'
import { VideoPool } from './pool'
import { StillLine } from './still'
import { Tile } from './tile'
import { cameraGiving, cameraLive, figureRows, pictureAge, tileWords, type Heard, type Words } from './words'
import { browser, type Surroundings } from './whep'
import './wall.css'

export interface WallOptions {
  picture: Picture
  /** Name of who looks, for the watermark. */
  viewer: string
  t: Words
  layout?: Layout
  onSelect?(slot: number, camera: string | null): void
  onChange?(): void
  /** Left out: nobody here may look at what was. */
  past?: PastDoor
}

export interface ShowOptions {
  slot?: number
  /** A word at the foot of the tile: a distance, "facing". */
  note?: string
  alarm?: boolean
}

interface Slot {
  camera: string | null
  note: string
  alarm: boolean
}

/** Figures on tiles are rewritten this often. */
const TICK_MS = 250
const SLOTS = 16
const VOLUME_STEP = 0.1
/** The loudness is shown for so long after it was changed. */
const LOUDNESS_MS = 2_000

export class Wall {
  readonly root: HTMLElement
  #layout: Layout
  #shape: Shape = { cols: 1, rows: 1 }
  #slots: Slot[] = Array.from({ length: SLOTS }, () => ({ camera: null, note: '', alarm: false }))
  #tiles: Tile[] = []
  #feeds: Feed[] = []
  #pool = new VideoPool()
  #stills = new StillLine()
  #past: PastTiles
  /** The camera that sounds. */
  #sounding: string | null = null
  #volume = 0.8
  #volumeAt = 0
  /** The small figures: on all tiles, or on the one that is pointed at. */
  #figures = false
  #pointed: Tile | null = null
  /** What a camera was like when its feed was last looked at: only a turn is worth a new try. */
  #turns = new Map<string, string>()
  #selected = 0
  #zoomed: number | null = null
  #timer: ReturnType<typeof setInterval> | undefined
  #sizes: ResizeObserver | null = null
  #off: (() => void)[] = []
  #minute = ''
  #online = false
  #t: Words

  constructor(el: HTMLElement, private readonly options: WallOptions, private readonly around: Surroundings = browser) {
    this.#t = options.t
    this.#layout = options.layout ?? 4
    this.#past = new PastTiles(options.past, (id) => options.picture.cameras.get(id)?.name ?? id)
    this.root = document.createElement('div')
    this.root.className = 'se-wall'
    this.root.setAttribute('role', 'group')
    this.root.setAttribute('aria-label', this.#t('wall.label'))
    el.append(this.root)
    this.#build()
    this.#listen()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  get layout(): Layout {
    return this.#layout
  }

  get selected(): number {
    return this.#selected
  }

  get zoomed(): number | null {
    return this.#zoomed
  }

  /** Cameras by slot, for as many slots as the layout has. */
  cameras(): (string | null)[] {
    return this.#slots.slice(0, this.#layout).map((slot) => slot.camera)
  }

  /** Puts a camera on the wall: the given slot, else where it already is, else the first free one, else the selected. */
  show(camera: string, { slot, note = '', alarm = false }: ShowOptions = {}): number {
    const visible = this.cameras()
    const there = visible.indexOf(camera)
    let at = slot ?? there
    if (at < 0) at = visible.indexOf(null)
    if (at < 0) at = this.#selected
    if (at >= this.#layout) at = this.#layout - 1
    // One camera twice is one picture too few: it moves.
    if (there >= 0 && there !== at) this.#slots[there] = { camera: null, note: '', alarm: false }
    this.#past.close(this.#tiles[at])
    this.#slots[at] = { camera, note, alarm }
    this.#apply()
    return at
  }

  /** Replaces what the wall shows; cameras that stay keep their slot and so their running picture. */
  showAll(items: readonly { id: string; note?: string; alarm?: boolean }[]): void {
    const wanted = items.slice(0, this.#layout)
    const visible = this.cameras()
    const rest = wanted.filter((item) => !visible.includes(item.id))
    this.#past.closeAll()
    for (let at = 0; at < this.#layout; at++) {
      const stays = wanted.find((item) => item.id === visible[at])
      const item = stays ?? rest.shift()
      this.#slots[at] = { camera: item?.id ?? null, note: item?.note ?? '', alarm: item?.alarm ?? false }
    }
    this.#apply()
  }

  remove(which: number | string): void {
    const at = typeof which === 'number' ? which : this.cameras().indexOf(which)
    if (at < 0 || at >= SLOTS) return
    if (!this.#past.close(this.#tiles[at])) this.#slots[at] = { camera: null, note: '', alarm: false }
    if (this.#zoomed === at) this.#zoomed = null
    this.#apply()
  }

  /** What this tile showed half a minute ago, beside it; again: half a minute more. */
  rewind(slot = this.#selected): void {
    const camera = this.#past.cameraOf(this.#tiles[slot]) ?? this.#slots[slot]?.camera
    if (!camera || this.#past.back(camera) || !this.#past.may(camera)) return
    if (this.#layout === 1) this.setLayout(4)
    this.#zoomed = null
    const beside = besideOf(slot, this.#shape, this.#layout)
    const free = this.#slots.findIndex((one, at) => at < this.#layout && one.camera === null && !this.#past.cameraOf(this.#tiles[at]))
    this.#past.open(camera, this.#tiles[free >= 0 && this.#slots[beside]?.camera ? free : beside]!)
    this.#apply()
  }

  swap(a: number, b: number): void {
    if (a === b || a < 0 || b < 0 || a >= this.#layout || b >= this.#layout) return
    const [one, two] = [this.#slots[a]!, this.#slots[b]!]
    this.#slots[a] = two
    this.#slots[b] = one
    // The running pictures move with their cameras.
    const [feedA, feedB] = [this.#feeds[a]!, this.#feeds[b]!]
    this.#feeds[a] = feedB
    this.#feeds[b] = feedA
    const [tileA, tileB] = [this.#tiles[a]!, this.#tiles[b]!]
    tileB.slot = a
    tileA.slot = b
    this.#tiles[a] = tileB
    this.#tiles[b] = tileA
    exchange(tileA.root, tileB.root)
    this.#selected = b
    this.#apply()
  }

  select(slot: number, focus = false): void {
    if (slot < 0 || slot >= this.#layout) return
    this.#selected = slot
    if (this.#zoomed !== null) this.#zoomed = slot
    this.#place()
    if (focus) this.#tiles[slot]?.root.focus({ preventScroll: true })
    this.options.onSelect?.(slot, this.#slots[slot]!.camera)
  }

  /** One tile large; null goes back. */
  zoom(slot: number | null): void {
    const shown = slot !== null && slot < this.#layout && (this.#slots[slot]!.camera ?? this.#past.cameraOf(this.#tiles[slot]))
    this.#zoomed = shown ? slot : null
    if (this.#zoomed !== null) this.#selected = this.#zoomed
    this.#place()
    this.#streams()
    this.options.onChange?.()
  }

  setLayout(layout: Layout): void {
    if (!isLayout(layout)) return
    this.#zoomed = null
    if (layout !== this.#layout) {
      this.#layout = layout
      if (this.#selected >= layout) this.#selected = 0
      this.#build()
    }
    this.#apply()
  }

  get sounding(): string | null {
    return this.#sounding
  }

  /** Turns this tile's sound on, and so every other's off; again turns it off. */
  toggleSound(slot = this.#selected): void {
    const camera = this.#slots[slot]?.camera ?? null
    // A press after the browser had refused it is the permission it waited for.
    const blocked = this.#feeds[slot]?.view(Date.now())?.sound === 'blocked'
    this.#sounding = camera !== null && (camera !== this.#sounding || blocked) ? camera : null
    if (blocked) this.#feeds[slot]!.volume = this.#volume
    this.#streams()
    this.#tick()
  }

  /** Louder or softer, 0 to 1; only what sounds can be heard to change. */
  setVolume(volume: number): void {
    this.#volume = Math.round(Math.min(1, Math.max(0, volume)) * 100) / 100
    this.#volumeAt = Date.now()
    for (const feed of this.#feeds) feed.volume = this.#volume
    this.#tick()
  }

  get figures(): boolean {
    return this.#figures
  }

  showFigures(on: boolean): void {
    this.#figures = on
    this.#tick()
  }

  setWords(t: Words): void {
    this.#t = t
    this.root.setAttribute('aria-label', t('wall.label'))
    this.#minute = ''
    this.#tick()
  }

  async fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen()
    else await this.root.requestFullscreen()
  }

  /** A key meant for the wall; false when it has no meaning here. */
  press(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false
    const direction = ({ ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' } as Record<string, Direction>)[event.key]
    if (direction) {
      const to = neighbour(this.#selected, direction, this.#shape)
      if (event.shiftKey) this.swap(this.#selected, to)
      this.select(to, true)
      return true
    }
    switch (event.key) {
      case 'Enter': this.zoom(this.#zoomed === null ? this.#selected : null); return true
      case 'Delete':
      case 'Backspace': this.remove(this.#selected); return true
      case 'Escape':
        if (this.#past.cameraOf(this.#tiles[this.#selected])) this.remove(this.#selected)
        else if (this.#zoomed === null) return false
        else this.zoom(null)
        return true
      case 'r': case 'R': this.rewind(); return true
      case 'p': case 'P': return this.#past.full(this.#tiles[this.#selected], this.#slots[this.#selected]!.camera)
      case ' ': return this.#past.toggle(this.#tiles[this.#selected])
      case 'm': case 'M': this.toggleSound(); return true
      case 'i': case 'I': this.showFigures(!this.#figures); return true
      case '+': case '=': case '-':
        if (this.#sounding === null) return false
        this.setVolume(this.#volume + (event.key === '-' ? -VOLUME_STEP : VOLUME_STEP))
        return true
      default: return false
    }
  }

  destroy(): void {
    clearInterval(this.#timer)
    this.#sizes?.disconnect()
    for (const off of this.#off) off()
    for (const feed of this.#feeds) feed.close()
    this.#past.closeAll()
    this.#pool.clear()
    this.around.spares?.drop()
    this.options.picture.want(this, [])
    this.root.remove()
  }

  #build(): void {
    while (this.#tiles.length > this.#layout) {
      this.#feeds.pop()!.close()
      const tile = this.#tiles.pop()!
      this.#past.close(tile)
      tile.root.remove()
    }
    while (this.#tiles.length < this.#layout) {
      const tile = new Tile(this.#tiles.length)
      tile.root.style.order = String(tile.slot)
      this.#tiles.push(tile)
      this.#feeds.push(this.#feedOn(tile))
      this.root.append(tile.root)
    }
    this.#minute = ''
    this.#place()
    this.#tick()
  }

  #feedOn(tile: Tile): Feed {
    return new Feed({
      stage: tile.stage, pool: this.#pool, stills: this.#stills, around: this.around, onChange: () => this.#tick(),
      // Only while we are told what happens: without the live socket the state may be old.
      hold: (camera) => this.options.picture.connection.state === 'live' && cameraLive(this.options.picture.status.get(camera)) === false,
      kept: (camera) => this.options.picture.status.get(camera)?.state === 'live',
    })
  }

  #apply(): void {
    this.#place()
    this.#streams()
    this.#tick()
    this.options.onChange?.()
  }

  /** Sizes and outlines. */
  #place(): void {
    const box = this.root.getBoundingClientRect()
    const zoomed = this.#zoomed
    this.#shape = shapeFor(this.#layout, box.width, box.height)
    const shown = zoomed === null ? this.#shape : { cols: 1, rows: 1 }
    this.root.style.gridTemplate = `repeat(${shown.rows}, minmax(0, 1fr)) / repeat(${shown.cols}, minmax(0, 1fr))`
    this.root.dataset.layout = String(this.#layout)
    this.root.classList.toggle('zoomed', zoomed !== null)
    this.#tiles.forEach((tile, at) => {
      tile.root.classList.toggle('hidden', zoomed !== null && zoomed !== at)
      tile.mark(at === this.#selected, this.#slots[at]!.alarm)
    })
  }

  /** Gives each feed its camera and the stream that fits its size. */
  #streams(): void {
    const box = this.root.getBoundingClientRect()
    const { picture } = this.options
    const shown = this.cameras().filter((id): id is string => id !== null)
    picture.want(this, shown)
    for (const id of this.#turns.keys()) if (!shown.includes(id)) this.#turns.delete(id)
    for (const id of shown) {
      const status = picture.status.get(id)
      if (status && !this.#turns.has(id)) this.#turns.set(id, turnOf(status))
    }
    if (this.#sounding !== null && !shown.includes(this.#sounding)) this.#sounding = null
    this.#feeds.forEach((feed, at) => {
      const { camera } = this.#slots[at]!
      if (!camera || this.#past.cameraOf(this.#tiles[at])) return feed.close()
      const large = this.#zoomed === at
      const width = large ? box.width : box.width / this.#shape.cols
      const known = picture.cameras.get(camera)
      const now = feed.camera === camera ? feed.profile : null
      const profile = profileFor(width, large || this.#layout === 1, known?.sub ?? false, now)
      feed.play(camera, { profile, sound: camera === this.#sounding })
    })
  }

  #tick(): void {
    const { picture } = this.options
    const now = this.around.now()
    const serverNow = picture.now()
    this.#tiles.forEach((tile, at) => {
      if (this.#past.show(tile, serverNow, this.#t)) return
      const { camera, note } = this.#slots[at]!
      const feed = this.#feeds[at]!
      const heard: Heard = camera ? { status: picture.status.get(camera), figures: picture.figures.get(camera) } : {}
      feed.tick(now, cameraGiving(heard.status))
      const view = feed.view(now)
      if (!camera || !view) return tile.empty(this.#t)
      const known = picture.cameras.get(camera)
      tile.show({
        camera, name: known?.name ?? camera, view, note, words: tileWords(known, view, heard, now, serverNow, this.#t),
        ageMs: pictureAge(view, heard, now), stillMs: feed.stillAt ? Math.max(0, now - feed.stillAt) : null,
        loudness: now - this.#volumeAt < LOUDNESS_MS ? Math.round(this.#volume * 100) : null,
      }, this.#t)
      const figured = this.#figures || tile === this.#pointed || tile.root.matches(':focus-visible')
      tile.figures(figured ? figureRows(view, heard, now, serverNow, this.#t) : null)
    })
    this.#stamp(serverNow)
  }

  #stamp(serverNow: number): void {
    const at = new Date(serverNow)
    const minute = `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`
    if (minute === this.#minute) return
    this.#minute = minute
    for (const tile of this.#tiles) tile.watermark(`${this.options.viewer} ${minute}`)
  }

  #listen(): void {
    const { picture } = this.options
    const on: On = (target, name, run) => {
      target.addEventListener(name, run as EventListener)
      this.#off.push(() => target.removeEventListener(name, run as EventListener))
    }
    on<MouseEvent>(this.root, 'click', (event) => this.#at(event, (slot) => {
      this.select(slot, true)
      if (meant(event, 'speaker')) this.toggleSound(slot)
      else if (meant(event, 'back')) this.rewind(slot)
      else if (meant(event, 'full')) this.#past.full(this.#tiles[slot], null)
      else if (meant(event, 'shut')) this.remove(slot)
    }))
    on<MouseEvent>(this.root, 'dblclick', (event) => this.#at(event, (slot) => {
      if (!meant(event, 'top button')) this.zoom(this.#zoomed === null ? slot : null)
    }))
    const point = (tile: Tile | null) => {
      if (tile === this.#pointed) return
      this.#pointed = tile
      this.#tick()
    }
    on<PointerEvent>(this.root, 'pointerover', (event) => {
      // A touch does not hover: it would leave the figures standing.
      if (event.pointerType !== 'touch') this.#at(event, (slot) => point(this.#tiles[slot]!))
    })
    on(this.root, 'pointerleave', () => point(null))
    on(this.root, 'focusin', () => this.#tick())
    on(this.root, 'focusout', () => this.#tick())
    on<KeyboardEvent>(this.root, 'keydown', (event) => {
      if (!this.press(event)) return
      event.preventDefault()
      event.stopPropagation()
    })
    listenDrag(on, this.root, {
      slotAt: (event) => this.#slotAt(event), cameraAt: (slot) => this.#slots[slot]!.camera, swap: (from, to) => this.swap(from, to),
      drop: (camera, slot) => {
        this.show(camera, { slot })
        this.select(slot)
      },
    })
    listenSleep(on, () => this.#feeds, this.around.spares)
    this.#off.push(
      picture.on('status', (ids) => this.#statusChanged(ids)),
      picture.on('cameras', () => { this.#streams(); this.#tick() }),
      picture.on('connection', () => this.#connected()),
    )
    if (typeof ResizeObserver === 'function') {
      let waiting: ReturnType<typeof setTimeout> | undefined
      this.#sizes = new ResizeObserver(() => {
        this.#place()
        clearTimeout(waiting)
        waiting = setTimeout(() => this.#streams(), 250)
      })
      this.#off.push(() => clearTimeout(waiting))
      this.#sizes.observe(this.root)
    }
  }

  /** The server is back: what waited tries again, and what was refused asks whether that still holds. */
  #connected(): void {
    const live = this.options.picture.connection.state === 'live'
    if (live && !this.#online) this.#feeds.forEach((feed) => feed.nudge(true))
    this.#online = live
  }

  #statusChanged(ids: ReadonlySet<string> | null): void {
    const { picture } = this.options
    this.#feeds.forEach((feed, at) => {
      const { camera } = this.#slots[at]!
      if (!camera || (ids !== null && !ids.has(camera))) return
      const status = picture.status.get(camera)
      if (!status) return
      const turn = turnOf(status)
      const before = this.#turns.get(camera)
      if (turn === before) return
      this.#turns.set(camera, turn)
      if (before === undefined) feed.known()
      if (cameraLive(status) !== false) feed.nudge()
    })
    this.#tick()
  }

  #slotAt(event: Event): number {
    const tile = event.target instanceof Element ? event.target.closest<HTMLElement>('.tile') : null
    return this.#tiles.findIndex(({ root }) => root === tile)
  }

  #at(event: Event, run: (slot: number) => void): void {
    const slot = this.#slotAt(event)
    if (slot >= 0) run(slot)
  }
}
