import { describe, expect, it } from 'vitest'
import { CORNERS, SMALLEST, asked, between, fitted, fromHere, grown, inPicture, isClick, moved, opposite, showsAt, spotOf, toHere, type Area, type Mask } from './boxes'

const mask = (area: Partial<Mask> = {}): Mask => ({ id: 1, x: 0.4, y: 0.4, w: 0.2, h: 0.1, from: null, to: null, ...area })
const close = (got: Area, want: Area) => {
  for (const side of ['x', 'y', 'w', 'h'] as const) expect(got[side], side).toBeCloseTo(want[side], 9)
}

describe('the picture in its frame', () => {
  it('has bars at its sides, or above and below', () => {
    close(fitted({ w: 1000, h: 900 }, { w: 1920, h: 1080 }), { x: 0, y: 168.75, w: 1000, h: 562.5 })
    close(fitted({ w: 1600, h: 900 }, { w: 704, h: 576 }), { x: 250, y: 0, w: 1100, h: 900 })
    close(fitted({ w: 1600, h: 900 }, { w: 320, h: 180 }), { x: 0, y: 0, w: 1600, h: 900 })
  })

  it('is nowhere before its size is known', () => {
    close(fitted({ w: 1600, h: 900 }, { w: 0, h: 0 }), { x: 0, y: 0, w: 0, h: 0 })
    close(fitted({ w: 0, h: 0 }, { w: 16, h: 9 }), { x: 0, y: 0, w: 0, h: 0 })
  })

  it('holds every point of the screen, those on the bars at its edge', () => {
    const shown = fitted({ w: 1600, h: 900 }, { w: 704, h: 576 })
    expect(inPicture({ x: 250, y: 0 }, shown)).toEqual({ x: 0, y: 0 })
    expect(inPicture({ x: 800, y: 450 }, shown)).toEqual({ x: 0.5, y: 0.5 })
    expect(inPicture({ x: 20, y: 2000 }, shown)).toEqual({ x: 0, y: 1 })
    expect(inPicture({ x: 1590, y: -5 }, shown)).toEqual({ x: 1, y: 0 })
  })
})

describe('a box', () => {
  it('is drawn from any corner to the other', () => {
    const [a, b] = [{ x: 0.7, y: 0.2 }, { x: 0.5, y: 0.6 }]
    for (const drawn of [between(a, b), between(b, a)]) close(drawn, { x: 0.5, y: 0.2, w: 0.2, h: 0.4 })
  })

  it('is never too small to see, nor beyond the picture for that', () => {
    close(between({ x: 0.3, y: 0.3 }, { x: 0.3, y: 0.5 }), { x: 0.3, y: 0.3, w: SMALLEST, h: 0.2 })
    close(between({ x: 1, y: 1 }, { x: 1, y: 1 }), { x: 1 - SMALLEST, y: 1 - SMALLEST, w: SMALLEST, h: SMALLEST })
    expect(isClick({ x: 0.3, y: 0.3 }, { x: 0.305, y: 0.305 })).toBe(true)
    expect(isClick({ x: 0.3, y: 0.3 }, { x: 0.305, y: 0.4 })).toBe(false)
  })

  it('keeps its size when it is moved against an edge', () => {
    close(moved(mask(), 0.1, -0.1), { x: 0.5, y: 0.3, w: 0.2, h: 0.1 })
    close(moved(mask(), 9, 9), { x: 0.8, y: 0.9, w: 0.2, h: 0.1 })
    close(moved(mask(), -9, -9), { x: 0, y: 0, w: 0.2, h: 0.1 })
  })

  it('grows to the edge and shrinks to the smallest', () => {
    close(grown(mask(), 0.1, -0.05), { x: 0.4, y: 0.4, w: 0.3, h: 0.05 })
    close(grown(mask(), 9, 9), { x: 0.4, y: 0.4, w: 0.6, h: 0.6 })
    close(grown(mask(), -9, -9), { x: 0.4, y: 0.4, w: SMALLEST, h: SMALLEST })
  })

  it('holds on to the opposite corner while one is drawn', () => {
    const held = Object.fromEntries(CORNERS.map((corner) => [corner, opposite({ x: 0.25, y: 0.25, w: 0.5, h: 0.25 }, corner)]))
    expect(held).toEqual({ nw: { x: 0.75, y: 0.5 }, ne: { x: 0.25, y: 0.5 }, sw: { x: 0.75, y: 0.25 }, se: { x: 0.25, y: 0.25 } })
  })
})

describe('the time of a box', () => {
  it('is the whole clip, or from here, or to here, with the picture that is seen', () => {
    expect([0, 5, 60].map((at) => showsAt(mask(), at))).toEqual([true, true, true])
    const [from, to] = [fromHere(mask(), 2), toHere(mask(), 2, 10)]
    expect([1.9, 2, 10].map((at) => showsAt(from, at))).toEqual([false, true, true])
    expect([0, 2, 2.1].map((at) => showsAt(to, at))).toEqual([true, true, false])
    expect(fromHere(mask(), 0.02).from).toBeNull()
    expect(toHere(mask(), 9.98, 10).to).toBeNull()
  })

  it('never ends before it begins', () => {
    expect(fromHere(mask({ to: 2 }), 3)).toMatchObject({ to: null })
    expect(toHere(mask({ from: 3 }), 2, 10)).toMatchObject({ from: null })
    const one = toHere(fromHere(mask(), 2), 2, 10)
    expect(one.from!).toBeLessThan(2)
    expect(one.to!).toBeGreaterThan(2)
  })

  it('is said to the tenth of a second', () => {
    expect([0, 2.44, 59.96, 750].map(spotOf)).toEqual(['0:00.0', '0:02.4', '1:00.0', '12:30.0'])
  })
})

describe('what the server is asked for', () => {
  it('covers what was drawn and stays in the picture', () => {
    for (let n = 0; n < 50; n++) {
      const [x, y] = [(n * 0.6180339887) % 0.9, (n * 0.7548776662) % 0.9]
      const drawn = mask({ x, y, w: 1 - x, h: Math.min(1 - y, 0.1234567) })
      const [box] = asked([drawn])
      expect(box!.x).toBeLessThanOrEqual(drawn.x)
      expect(box!.y).toBeLessThanOrEqual(drawn.y)
      expect(box!.x + box!.w).toBeCloseTo(1, 9)
      expect(box!.y + box!.h).toBeGreaterThanOrEqual(drawn.y + drawn.h - 1e-9)
      expect(box!.y + box!.h).toBeLessThanOrEqual(1 + 1e-9)
    }
  })

  it('names times only where there are any', () => {
    expect(asked([mask({ x: 0, y: 0, w: 1, h: 1 })])).toEqual([{ x: 0, y: 0, w: 1, h: 1 }])
    expect(asked([mask({ x: 0, y: 0, w: 1, h: 1, from: 1.23456, to: 2.34561 })])).toEqual([{ x: 0, y: 0, w: 1, h: 1, from_s: 1.234, to_s: 2.346 }])
  })
})
