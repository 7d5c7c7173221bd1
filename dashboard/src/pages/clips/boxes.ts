/**
 * Boxes over a clip's picture, which a copy for sharing has masked. Pure.
 *
 * They lie in the picture: fractions of it, from its upper left corner, never beyond its edges and
 * never smaller than can be seen and taken hold of. Their times are those of the clip as it plays.
 */
import type { NewCopy } from '../../api/types'

export interface Point { x: number; y: number }
export interface Area { x: number; y: number; w: number; h: number }

/** One box; null: from the first picture, to the last one. */
export interface Mask extends Area { id: number; from: number | null; to: number | null }

export type Corner = 'nw' | 'ne' | 'sw' | 'se'
export const CORNERS: readonly Corner[] = ['nw', 'ne', 'sw', 'se']

/** As many as the server takes. */
export const MOST_BOXES = 32
export const SMALLEST = 0.01
/** By one press of an arrow key. */
export const STEP = 0.01
/** Rather a picture too many masked than one too few: one of 25 a second. */
const MARGIN_S = 0.04
/** The server's copy of these numbers has so many places. */
const PLACES = 1e5

const within = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most)

/** Where a picture lies in a frame that shows all of it: in the middle, bars at two sides. */
export function fitted(frame: { w: number; h: number }, picture: { w: number; h: number }): Area {
  if (!(frame.w > 0 && frame.h > 0 && picture.w > 0 && picture.h > 0)) return { x: 0, y: 0, w: 0, h: 0 }
  const scale = Math.min(frame.w / picture.w, frame.h / picture.h)
  const [w, h] = [picture.w * scale, picture.h * scale]
  return { x: (frame.w - w) / 2, y: (frame.h - h) / 2, w, h }
}

/** A point of the screen in the picture that lies there; its nearest edge for one beside it. */
export function inPicture(at: Point, shown: Area): Point {
  return { x: within((at.x - shown.x) / shown.w, 0, 1), y: within((at.y - shown.y) / shown.h, 0, 1) }
}

/** The box between two opposite corners, whichever they are. */
export function between(a: Point, b: Point): Area {
  const w = Math.max(Math.abs(a.x - b.x), SMALLEST)
  const h = Math.max(Math.abs(a.y - b.y), SMALLEST)
  return { x: within(Math.min(a.x, b.x), 0, 1 - w), y: within(Math.min(a.y, b.y), 0, 1 - h), w, h }
}

/** Too short a way to be a box: a click. */
export const isClick = (a: Point, b: Point) => Math.abs(a.x - b.x) < SMALLEST && Math.abs(a.y - b.y) < SMALLEST

export function moved<A extends Area>(area: A, dx: number, dy: number): A {
  return { ...area, x: within(area.x + dx, 0, 1 - area.w), y: within(area.y + dy, 0, 1 - area.h) }
}

/** Larger or smaller at its right and lower edge. */
export function grown<A extends Area>(area: A, dw: number, dh: number): A {
  return { ...area, w: within(area.w + dw, SMALLEST, 1 - area.x), h: within(area.h + dh, SMALLEST, 1 - area.y) }
}

/** The corner that stays where it is while this one is drawn. */
export function opposite(area: Area, corner: Corner): Point {
  return { x: corner.endsWith('w') ? area.x + area.w : area.x, y: corner.startsWith('n') ? area.y + area.h : area.y }
}

export const showsAt = (mask: Mask, at: number) => (mask.from ?? 0) <= at && at <= (mask.to ?? Infinity)

/** From the picture of this time on; an end that would be before it is given up. */
export function fromHere(mask: Mask, at: number): Mask {
  const from = at - MARGIN_S
  return { ...mask, from: from > 0 ? from : null, to: mask.to !== null && mask.to < at ? null : mask.to }
}

/** To the picture of this time; a beginning that would be after it is given up. */
export function toHere(mask: Mask, at: number, length: number): Mask {
  const to = at + MARGIN_S
  return { ...mask, to: to < length ? to : null, from: mask.from !== null && mask.from > at ? null : mask.from }
}

/** As the server takes them: rounded so that nothing comes out from under a box. */
export function asked(masks: readonly Mask[]): NonNullable<NewCopy['boxes']> {
  return masks.map(({ x, y, w, h, from, to }) => {
    const edges = (begin: number, size: number): [number, number] => {
      const [first, last] = [Math.floor(begin * PLACES), Math.min(Math.ceil((begin + size) * PLACES), PLACES)]
      return [first / PLACES, (last - first) / PLACES]
    }
    const [[left, width], [top, height]] = [edges(x, w), edges(y, h)]
    return {
      x: left, y: top, w: width, h: height,
      ...(from === null ? {} : { from_s: Math.floor(from * 1000) / 1000 }), ...(to === null ? {} : { to_s: Math.ceil(to * 1000) / 1000 }),
    }
  })
}

/** A time of the clip: 0:02.4; 12:30.0 */
export function spotOf(seconds: number): string {
  const tenths = Math.round(Math.max(0, seconds) * 10)
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, '0')}.${tenths % 10}`
}
