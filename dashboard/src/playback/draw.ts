/** Draws the timeline on a canvas, from the tokens. It draws what it is told and keeps nothing. */
import { gapWords, markPath, monthDay, tickWords } from './labels'
import { HOUR, LANE_PX, MARKS_PX, RULER_PX, drawn, lengthOf, ticks, toX, type Gap, type Lane, type Mark, type Span } from './timeline'
import type { Words } from './words'

export interface Scene {
  win: Span
  lanes: readonly Lane[]
  marks: readonly Mark[]
  range: Span | null
  /** What is shown in the pictures. */
  at: number
  /** The server's time: nothing is recorded beyond it. */
  now: number
  /** Time under the pointer. */
  hover: number | null
  /** Lane that the keys mean. */
  selected: number
}

export interface Palette {
  text: string
  faint: string
  line: string
  soft: string
  panel: string
  footage: string
  accent: string
  focus: string
  bg: string
  cause: Record<string, string>
  severity: Record<string, string>
  font: string
  num: string
}

export function paletteOf(el: Element): Palette {
  const style = getComputedStyle(el)
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    text: token('text'), faint: token('text-2'), line: token('line'), soft: token('line-soft'), panel: token('panel'), footage: '#2f77b0', accent: token('accent'),
    focus: token('focus'), bg: token('bg'), font: token('font') || 'sans-serif', num: token('num') || 'sans-serif',
    cause: { offline: token('stale'), broken: token('stale'), disk: token('critical'), restart: token('low'), behind: token('medium'), clock: token('medium'), deleted: token('off'), stopped: token('off') },
    severity: { critical: token('critical'), high: token('high'), medium: token('medium'), low: token('low') },
  }
}

/** Stripes by cause: by shape as well as by colour. */
const SLANTS: Record<string, 'fall' | 'rise' | 'cross' | 'bars' | 'dots'> = {
  offline: 'rise', broken: 'cross', disk: 'cross', restart: 'bars', behind: 'bars', clock: 'bars', deleted: 'dots', stopped: 'fall',
}

export class Painter {
  #patterns = new Map<string, CanvasPattern | string>()

  constructor(private readonly pen: CanvasRenderingContext2D, private readonly palette: Palette, private readonly dpr: number) {}

  draw(scene: Scene, width: number, height: number, t: Words): void {
    const { pen, palette } = this
    pen.setTransform(this.dpr, 0, 0, this.dpr, 0, 0)
    pen.clearRect(0, 0, width, height)
    pen.fillStyle = palette.panel
    pen.fillRect(0, 0, width, height)
    this.#ruler(scene, width, height)
    scene.lanes.forEach((lane, i) => this.#lane(scene, lane, i, width, t))
    this.#future(scene, width, height)
    this.#marks(scene, width)
    this.#range(scene, width, height)
    this.#hover(scene, width, height)
    this.#head(scene, width, height)
  }

  #ruler({ win }: Scene, width: number, height: number): void {
    const { pen, palette } = this
    pen.textBaseline = 'middle'
    pen.textAlign = 'center'
    for (const tick of ticks(win, width)) {
      const x = Math.round(toX(win, width, tick.at)) + 0.5
      const whole = tick.unit === 'day'
      pen.strokeStyle = whole || tick.labelled ? palette.line : palette.soft
      pen.lineWidth = whole ? 2 : 1
      pen.beginPath()
      pen.moveTo(x, tick.labelled ? 22 : 26)
      pen.lineTo(x, tick.labelled ? height : RULER_PX)
      pen.stroke()
      if (!tick.labelled) continue
      pen.fillStyle = whole ? palette.text : palette.faint
      pen.font = `${whole ? 600 : 500} 13px ${palette.num}`
      const words = tickWords(tick)
      const half = pen.measureText(words).width / 2
      pen.fillText(words, Math.min(width - half - 2, Math.max(half + 2, x)), 12)
    }
    pen.lineWidth = 1
  }

  #lane({ win, selected, lanes }: Scene, lane: Lane, i: number, width: number, t: Words): void {
    const { pen, palette } = this
    const [y, h] = [RULER_PX + MARKS_PX + i * LANE_PX + 3, LANE_PX - 6]
    pen.fillStyle = palette.bg
    pen.fillRect(0, y, width, h)
    for (const { x, w } of drawn(lane.ranges, win, width)) {
      pen.fillStyle = palette.footage
      // A pixel at the least: a minute of footage in a month must be seen.
      pen.fillRect(x, y, Math.max(1, w), h)
    }
    for (const { x, w, first } of drawn(lane.gaps, win, width)) this.#gap(lane.gaps[first]!, x, w, y, h, t)
    if (lanes.length > 1 && i === selected) {
      pen.strokeStyle = palette.accent
      pen.strokeRect(0.5, y - 1.5, width - 1, h + 3)
    }
  }

  #gap(gap: Gap, x: number, w: number, y: number, h: number, t: Words): void {
    const { pen, palette } = this
    pen.fillStyle = palette.bg
    pen.fillRect(x, y, Math.max(1, w), h)
    pen.fillStyle = this.#pattern(gap.cause)
    pen.fillRect(x, y, Math.max(2, w), h)
    pen.font = `500 12px ${palette.font}`
    const words = gapWords(gap, t)
    const room = pen.measureText(words).width + 20
    if (w < room) return
    pen.fillStyle = palette.bg
    pen.beginPath()
    pen.roundRect(x + w / 2 - room / 2 + 4, y + 2, room - 8, h - 4, 3)
    pen.fill()
    pen.fillStyle = palette.cause[gap.cause] ?? palette.faint
    pen.fillText(words, x + w / 2, y + h / 2 + 1)
  }

  #pattern(cause: string): CanvasPattern | string {
    const known = this.#patterns.get(cause)
    if (known) return known
    const colour = this.palette.cause[cause] ?? this.palette.faint
    const size = 8
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = size * this.dpr
    const pen = canvas.getContext('2d')
    if (!pen) return colour
    pen.scale(this.dpr, this.dpr)
    pen.strokeStyle = pen.fillStyle = colour
    pen.globalAlpha = 0.75
    pen.lineWidth = 1.4
    const line = (...points: number[]) => {
      pen.beginPath()
      pen.moveTo(points[0]!, points[1]!)
      pen.lineTo(points[2]!, points[3]!)
      pen.stroke()
    }
    const rise = () => [-size, 0, size].forEach((by) => line(by, size, by + size, 0))
    const fall = () => [-size, 0, size].forEach((by) => line(by, 0, by + size, size))
    switch (SLANTS[cause] ?? 'rise') {
      case 'rise': rise(); break
      case 'fall': fall(); break
      case 'cross': rise(); fall(); break
      case 'bars': line(size / 2, 0, size / 2, size); break
      case 'dots': pen.fillRect(3, 3, 2, 2)
    }
    const made = pen.createPattern(canvas, 'repeat')
    made?.setTransform(new DOMMatrix().scale(1 / this.dpr))
    this.#patterns.set(cause, made ?? colour)
    return made ?? colour
  }

  #future({ win, now }: Scene, width: number, height: number): void {
    const x = toX(win, width, now)
    if (x >= width) return
    const { pen, palette } = this
    pen.fillStyle = palette.panel
    pen.fillRect(Math.max(0, x), RULER_PX, width - Math.max(0, x), height - RULER_PX)
    pen.fillStyle = palette.faint
    pen.fillRect(Math.max(0, x), RULER_PX, 1, height - RULER_PX)
  }

  #marks({ win, marks }: Scene, width: number): void {
    const { pen, palette } = this
    const y = RULER_PX + MARKS_PX / 2
    let lastX = -Infinity
    let gathered = 0
    for (const mark of marks) {
      const x = toX(win, width, mark.at)
      if (x < -10 || x > width + 10) continue
      gathered = x - lastX < 9 ? gathered + 1 : 0
      // What would lie over each other is drawn once and a little higher, so that it shows.
      if (gathered === 0) lastX = x
      pen.fillStyle = pen.strokeStyle = palette.severity[mark.severity] ?? palette.faint
      const path = markPath(mark, lastX, y)
      if (mark.kind === 'case') {
        pen.lineWidth = 2
        pen.stroke(path)
        pen.lineWidth = 1
      } else pen.fill(path)
    }
  }

  #range({ win, range }: Scene, width: number, height: number): void {
    if (!range) return
    const { pen, palette } = this
    const [a, b] = [toX(win, width, range.from), toX(win, width, range.to)]
    pen.fillStyle = palette.accent
    pen.globalAlpha = 0.22
    pen.fillRect(a, RULER_PX, b - a, height - RULER_PX)
    pen.globalAlpha = 1
    for (const x of [a, b]) {
      pen.fillRect(x - 1, RULER_PX, 2, height - RULER_PX)
      pen.beginPath()
      pen.roundRect(x - 4, RULER_PX + 2, 8, 18, 3)
      pen.fill()
    }
  }

  #hover({ win, hover }: Scene, width: number, height: number): void {
    if (hover === null) return
    const { pen, palette } = this
    const x = Math.round(toX(win, width, hover)) + 0.5
    pen.strokeStyle = palette.faint
    pen.setLineDash([3, 3])
    pen.beginPath()
    pen.moveTo(x, RULER_PX)
    pen.lineTo(x, height)
    pen.stroke()
    pen.setLineDash([])
  }

  #head({ win, at }: Scene, width: number, height: number): void {
    const x = toX(win, width, at)
    if (x < -1 || x > width + 1) return
    const { pen, palette } = this
    pen.fillStyle = palette.text
    pen.fillRect(x - 1, 20, 2, height - 20)
    pen.beginPath()
    pen.moveTo(x - 7, 18)
    pen.lineTo(x + 7, 18)
    pen.lineTo(x, 29)
    pen.closePath()
    pen.fill()
    if (lengthOf(win) <= 36 * HOUR) return
    // Far out a playhead alone does not say the day.
    const words = monthDay(at)
    pen.font = `600 12px ${palette.num}`
    const half = pen.measureText(words).width / 2 + 5
    const middle = Math.min(width - half, Math.max(half, x))
    pen.beginPath()
    pen.roundRect(middle - half, 1, 2 * half, 18, 4)
    pen.fill()
    pen.fillStyle = palette.bg
    pen.fillText(words, middle, 11)
  }
}
