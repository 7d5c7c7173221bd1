import { describe, expect, it } from 'vitest'
import { BEHIND_S, SEAM_S, ahead, around, pull, readyUntil, surplus } from './plan'

const ranges = [{ from: 0, to: 10 }, { from: 10.1, to: 20 }, { from: 25, to: 30 }]

describe('the buffer', () => {
  it('is ready up to the first seam that shows', () => {
    expect(readyUntil(ranges, 3)).toBe(20)
    expect(readyUntil(ranges, 26)).toBe(30)
    expect(readyUntil(ranges, 22)).toBeNull()
    expect(around(ranges, 25 - SEAM_S / 2)).toBe(ranges[2])
  })

  it('holds more at a higher speed, less of a rich stream', () => {
    expect(ahead(1, 250_000)).toBe(16)
    expect(ahead(0.5, 250_000)).toBe(16)
    expect(ahead(2, 250_000)).toBe(32)
    expect(ahead(8, 250_000)).toBe(60)
    expect(ahead(8, 4_000_000)).toBeLessThan(12)
    expect(ahead(1, 0)).toBe(16)
  })

  it('gives up what is far behind and far ahead, and nothing that is near', () => {
    expect(surplus([{ from: 0, to: 200 }], 100, 16)).toEqual([{ from: 0, to: 100 - BEHIND_S }, { from: 140, to: 200 }])
    expect(surplus([{ from: 80, to: 140 }], 100, 16)).toEqual([])
    expect(surplus([{ from: 0, to: 10 }, { from: 95, to: 120 }], 100, 16)).toEqual([{ from: 0, to: 10 }])
  })
})

it('an element comes into step by its speed, gently', () => {
  expect(pull(1, 0.01)).toBe(1)
  expect(pull(1, 0.05)).toBe(0.95)
  expect(pull(1, -3)).toBe(1.1)
  expect(pull(8, 0.1)).toBe(8)
  expect(pull(8, 0.4)).toBe(7.6)
  expect(pull(0.5, 1)).toBe(0.45)
})
