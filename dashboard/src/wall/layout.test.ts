import { describe, expect, it } from 'vitest'
import { Backoff, FIRST_MS, MAX_MS } from './backoff'
import { isLayout, LAYOUTS, neighbour, profileFor, shapeFor } from './layout'

describe('the shape of a layout', () => {
  it('is square on a wide wall', () => {
    expect(shapeFor(1, 1920, 1080)).toEqual({ cols: 1, rows: 1 })
    expect(shapeFor(4, 1920, 1080)).toEqual({ cols: 2, rows: 2 })
    expect(shapeFor(6, 1920, 1080)).toEqual({ cols: 3, rows: 2 })
    expect(shapeFor(9, 1920, 1080)).toEqual({ cols: 3, rows: 3 })
    expect(shapeFor(16, 1920, 1080)).toEqual({ cols: 4, rows: 4 })
  })

  it('stands two by three in the column of the desk', () => {
    expect(shapeFor(6, 640, 960)).toEqual({ cols: 2, rows: 3 })
  })

  it.each(LAYOUTS)('holds exactly %d tiles in any space', (count) => {
    for (const [width, height] of [[1920, 1080], [640, 960], [300, 2000], [3840, 400], [0, 0]] as const) {
      const { cols, rows } = shapeFor(count, width, height)
      expect(cols * rows).toBe(count)
    }
  })

  it('knows its own numbers', () => {
    expect(isLayout(9)).toBe(true)
    expect(isLayout(5)).toBe(false)
    expect(isLayout('9')).toBe(false)
  })
})

describe('moving between tiles', () => {
  const shape = { cols: 3, rows: 2 }
  it('goes to the neighbour and stops at the edges', () => {
    expect(neighbour(0, 'right', shape)).toBe(1)
    expect(neighbour(2, 'right', shape)).toBe(2)
    expect(neighbour(3, 'left', shape)).toBe(3)
    expect(neighbour(1, 'down', shape)).toBe(4)
    expect(neighbour(4, 'down', shape)).toBe(4)
    expect(neighbour(4, 'up', shape)).toBe(1)
  })
})

describe('the stream for a tile', () => {
  it('is main when large, single or the only one, else sub', () => {
    expect(profileFor(500, false, true, null)).toBe('sub')
    expect(profileFor(701, false, true, null)).toBe('main')
    expect(profileFor(500, true, true, null)).toBe('main')
    expect(profileFor(500, false, false, null)).toBe('main')
  })

  it('does not flutter around the bound', () => {
    expect(profileFor(680, false, true, 'main')).toBe('main')
    expect(profileFor(680, false, true, 'sub')).toBe('sub')
    expect(profileFor(600, false, true, 'main')).toBe('sub')
  })
})

describe('back-off', () => {
  it('stays within its bounds whatever the dice say, and starts over', () => {
    for (const dice of [0, 0.5, 0.999]) {
      const backoff = new Backoff(() => dice)
      for (let i = 0; i < 50; i++) {
        const wait = backoff.next()
        expect(wait).toBeGreaterThanOrEqual(FIRST_MS)
        expect(wait).toBeLessThanOrEqual(MAX_MS)
      }
      backoff.reset()
      expect(backoff.next()).toBe(FIRST_MS)
    }
  })
})
