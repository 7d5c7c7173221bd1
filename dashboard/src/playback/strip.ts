/**
 * The timeline on the screen: pointer, wheel and what the page's keys ask of it. Imperative, on one canvas;
 * it redraws at most once a frame.
 *
 * A press on the ruler moves the time; one on the lanes moves it, too, and dragging there draws a range;
 * dragging an edge moves that edge; the wheel zooms around the pointer, with Shift or sideways it pans.
 */
import { Painter, paletteOf, type Palette } from './draw'
import { gapWords, monthDay } from './labels'
import {
  DAY, HOUR, LONGEST_MS, MINUTE, follow, gapAt, heightOf, hit, lengthOf, pan, rangeOf, snap, stops, toTime, within, zoom, type Hit, type Lane, type Mark,
  type Span,
} from './timeline'
import { clock, day, length, type Words } from './words'

export interface StripOptions {
  t: Words
  nameOf(camera: string): string
  serverNow(): number
  onSeek(at: number): void
  onRange(range: Span | null): void
  /** The window has come to rest: what is in sight may have to be asked for. */
  onWindow(win: Span): void
  onSelect(lane: number): void
}

const SNAP_PX = 7
/** A press that moves less than this is a click. */
const DRAG_PX = 4
const WHEEL = 1.0018
const REST_MS = 150

type Drag = { what: 'scrub' } | { what: 'pan'; from: Span } | { what: 'range'; anchor: number; moved: boolean } | { what: 'edge'; other: number }

export class Strip {
  readonly root: HTMLElement
  #labels: HTMLElement
  #canvas: HTMLCanvasElement
  #tip: HTMLElement
  #painter: Painter | null = null
  #palette: Palette | null = null
  #width = 0
  #win: Span
  #lanes: readonly Lane[] = []
  #marks: readonly Mark[] = []
  #range: Span | null = null
  #at = 0
  #selected = 0
  #hover: { x: number; y: number } | null = null
  #drag: (Drag & { x: number }) | null = null
  #frame = 0
  #rest: ReturnType<typeof setTimeout> | undefined
  #sizes: ResizeObserver | null = null
  #t: Words

  constructor(el: HTMLElement, private readonly options: StripOptions) {
    this.#t = options.t
    const make = (tag: string, className: string, parent: HTMLElement) => parent.appendChild(Object.assign(document.createElement(tag), { className }))
    this.root = make('div', 'se-strip', el)
    this.#labels = make('div', 'labels', this.root)
    const field = make('div', 'field', this.root)
    this.#canvas = make('canvas', '', field) as HTMLCanvasElement
    this.#canvas.tabIndex = 0
    this.#canvas.setAttribute('role', 'slider')
    this.#canvas.dataset.testid = 'timeline'
    this.#tip = make('div', 'tip', field)
    this.#tip.setAttribute('aria-hidden', 'true')
    const now = options.serverNow()
    this.#win = { from: now - HOUR, to: now + HOUR / 30 }
    this.#canvas.addEventListener('pointerdown', this.#down)
    this.#canvas.addEventListener('pointermove', this.#move)
    this.#canvas.addEventListener('pointerup', this.#up)
    this.#canvas.addEventListener('pointercancel', this.#up)
    this.#canvas.addEventListener('pointerleave', this.#leave)
    this.#canvas.addEventListener('wheel', this.#wheel, { passive: false })
    if (typeof ResizeObserver === 'function') {
      this.#sizes = new ResizeObserver(() => this.#resize())
      this.#sizes.observe(field)
    }
    this.#resize()
  }

  get window(): Span {
    return this.#win
  }
  get range(): Span | null {
    return this.#range
  }

  show(lanes: readonly Lane[], marks: readonly Mark[]): void {
    const grown = lanes.length !== this.#lanes.length
    this.#lanes = lanes
    this.#marks = [...marks].sort((a, b) => a.at - b.at)
    this.#label()
    if (grown) this.#resize()
    this.#redraw()
  }

  setTime(at: number, playing: boolean): void {
    if (at === this.#at) return
    this.#at = at
    if (playing && !this.#drag) this.#look(follow(this.#win, at, this.#limits()))
    this.#canvas.setAttribute('aria-valuenow', String(Math.round(at)))
    this.#canvas.setAttribute('aria-valuetext', `${day(at)} ${clock(at)}`)
    this.#redraw()
  }

  setSelected(lane: number): void {
    if (lane === this.#selected) return
    this.#selected = lane
    this.#label()
    this.#redraw()
  }

  setRange(range: Span | null): void {
    this.#range = range && rangeOf(range.from, range.to, this.#limits())
    this.options.onRange(this.#range)
    this.#redraw()
  }

  /** From the edge set before, or a minute, to this time. */
  setEdge(edge: 'from' | 'to', at: number): void {
    const other = edge === 'from' ? this.#range?.to : this.#range?.from
    const right = edge === 'from' ? other !== undefined && other > at : other !== undefined && other < at
    const [low, high] = edge === 'from' ? [at, right ? other! : at + MINUTE] : [right ? other! : at - MINUTE, at]
    this.setRange({ from: low, to: Math.min(high, this.#now()) })
  }

  zoomBy(factor: number, anchor = this.#anchor()): void {
    this.#look(zoom(this.#win, factor, anchor, this.#limits()))
  }
  /** By a part of what is in sight. */
  panBy(share: number): void {
    this.#look(pan(this.#win, lengthOf(this.#win) * share, this.#limits()))
  }
  /** Exactly this much around the time. */
  showLength(ms: number, at = this.#at): void {
    this.#look(within({ from: at - ms / 2, to: at + ms / 2 }, this.#limits()))
  }
  showSpan(span: Span): void {
    this.#look(within(span, this.#limits()))
  }

  setWords(t: Words): void {
    this.#t = t
    this.#label()
    this.#redraw()
  }

  focus(): void {
    this.#canvas.focus({ preventScroll: true })
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#rest)
    this.#sizes?.disconnect()
    this.root.remove()
  }

  #now(): number {
    return this.options.serverNow()
  }

  #limits(): Span {
    const now = this.#now()
    // A little room beyond now, so that the newest footage does not stick to the edge.
    return { from: now - LONGEST_MS, to: now + Math.max(MINUTE / 2, lengthOf(this.#win) / 30) }
  }

  /** Keys zoom around the time when it is in sight. */
  #anchor(): number {
    return this.#at >= this.#win.from && this.#at <= this.#win.to ? this.#at : (this.#win.from + this.#win.to) / 2
  }

  #look(win: Span): void {
    if (win.from === this.#win.from && win.to === this.#win.to) return
    this.#win = win
    this.root.dataset.span = String(Math.round(lengthOf(win) / 1000))
    this.#redraw()
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => this.options.onWindow(this.#win), REST_MS)
  }

  #label(): void {
    this.#canvas.setAttribute('aria-label', this.#t('playback.timeline'))
    this.#labels.replaceChildren(...this.#lanes.map((lane, i) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = button.title = this.options.nameOf(lane.camera)
      button.className = i === this.#selected && this.#lanes.length > 1 ? 'on' : ''
      button.addEventListener('click', () => this.options.onSelect(i))
      return button
    }))
  }

  #resize(): void {
    const field = this.#canvas.parentElement!
    const height = heightOf(this.#lanes.length)
    this.#width = Math.max(50, field.clientWidth)
    const dpr = window.devicePixelRatio || 1
    this.#canvas.width = Math.round(this.#width * dpr)
    this.#canvas.height = Math.round(height * dpr)
    this.#canvas.style.height = `${height}px`
    const pen = this.#canvas.getContext('2d')
    this.#palette = paletteOf(this.root)
    this.#painter = pen && new Painter(pen, this.#palette, dpr)
    this.#redraw()
  }

  #redraw(): void {
    if (this.#frame) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      const height = heightOf(this.#lanes.length)
      this.#painter?.draw({
        win: this.#win, lanes: this.#lanes, marks: this.#marks, range: this.#range, at: this.#at, now: this.#now(), selected: this.#selected,
        hover: this.#hover && toTime(this.#win, this.#width, this.#hover.x),
      }, this.#width, height, this.#t)
      this.#tell()
    })
  }

  /** What lies under the pointer, in words. */
  #tell(): void {
    const hover = this.#hover
    this.#tip.hidden = hover === null
    if (!hover) return
    const at = toTime(this.#win, this.#width, hover.x)
    const lines = [`${lengthOf(this.#win) > DAY ? `${monthDay(at)} ` : ''}${clock(at)}`]
    const under = this.#under(hover.x, hover.y)
    if (under.what === 'mark') lines.push(...under.marks.slice(0, 4).map((mark) => `${clock(mark.at)} ${mark.label}`))
    else if (under.what === 'lane') {
      const lane = this.#lanes[under.lane]
      const gap = lane && gapAt(lane, at)
      if (gap) lines.push(gapWords(gap, this.#t), `${clock(gap.from)} – ${clock(gap.to)}`)
    }
    if (this.#range && this.#drag && this.#drag.what !== 'scrub') lines.push(length(lengthOf(this.#range), this.#t))
    this.#tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement('span'), { textContent: line })))
    const half = this.#tip.offsetWidth / 2
    this.#tip.style.left = `${Math.min(this.#width - half, Math.max(half, hover.x))}px`
  }

  #under(x: number, y: number): Hit {
    return hit(x, y, this.#win, this.#width, this.#lanes.length, this.#marks, this.#range)
  }

  #place(event: PointerEvent | WheelEvent): { x: number; y: number } {
    const box = this.#canvas.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  /** The time at a place, stopped at what is near. */
  #timeAt(x: number, free: boolean): number {
    const at = toTime(this.#win, this.#width, x)
    const reach = (SNAP_PX / this.#width) * lengthOf(this.#win)
    return Math.min(free ? at : snap(at, reach, stops(this.#lanes, this.#marks)), this.#now())
  }

  readonly #down = (event: PointerEvent) => {
    if (event.button > 1) return
    const { x, y } = this.#place(event)
    this.#canvas.setPointerCapture(event.pointerId)
    const under = this.#under(x, y)
    if (event.button === 1 || event.shiftKey) this.#drag = { what: 'pan', from: this.#win, x }
    else if (under.what === 'edge' && this.#range) this.#drag = { what: 'edge', other: under.edge === 'from' ? this.#range.to : this.#range.from, x }
    else if (under.what === 'mark') {
      this.options.onSeek(under.marks[0]!.at)
      this.#drag = null
    } else if (under.what === 'ruler') {
      this.#drag = { what: 'scrub', x }
      this.options.onSeek(this.#timeAt(x, event.altKey))
    } else {
      if (under.what === 'lane') this.options.onSelect(under.lane)
      this.#drag = { what: 'range', anchor: this.#timeAt(x, event.altKey), moved: false, x }
    }
  }

  readonly #move = (event: PointerEvent) => {
    const { x, y } = this.#place(event)
    this.#hover = { x, y }
    const drag = this.#drag
    const at = this.#timeAt(x, event.altKey)
    if (drag?.what === 'pan') this.#look(pan(drag.from, ((drag.x - x) / this.#width) * lengthOf(drag.from), this.#limits()))
    else if (drag?.what === 'scrub') this.options.onSeek(at)
    else if (drag?.what === 'edge') this.setRange(rangeOf(drag.other, at, this.#limits()))
    else if (drag?.what === 'range' && (drag.moved || Math.abs(x - drag.x) >= DRAG_PX)) {
      drag.moved = true
      this.setRange(rangeOf(drag.anchor, at, this.#limits()))
    }
    if (!drag) {
      const under = this.#under(x, y)
      this.#canvas.style.cursor = under.what === 'edge' ? 'ew-resize' : under.what === 'mark' || under.what === 'ruler' ? 'pointer' : 'crosshair'
    }
    this.#redraw()
  }

  readonly #up = (event: PointerEvent) => {
    const drag = this.#drag
    this.#drag = null
    if (this.#canvas.hasPointerCapture(event.pointerId)) this.#canvas.releasePointerCapture(event.pointerId)
    if (drag?.what === 'range' && !drag.moved && event.type === 'pointerup') this.options.onSeek(drag.anchor)
    this.#redraw()
  }

  readonly #leave = () => {
    if (this.#drag) return
    this.#hover = null
    this.#redraw()
  }

  readonly #wheel = (event: WheelEvent) => {
    event.preventDefault()
    const pixels = event.deltaMode === 1 ? 16 : 1
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0
    if (sideways) return this.#look(pan(this.#win, ((sideways * pixels) / this.#width) * lengthOf(this.#win), this.#limits()))
    const { x } = this.#place(event)
    this.zoomBy(WHEEL ** (-event.deltaY * pixels), toTime(this.#win, this.#width, x))
  }
}

