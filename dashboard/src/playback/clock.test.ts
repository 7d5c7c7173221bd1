import { expect, it } from 'vitest'
import { Clock } from './clock'

it('runs at its rate, stands while paused or held, and never jumps by a change of either', () => {
  let now = 1000
  const clock = new Clock(() => now, 50_000)
  now += 500
  expect(clock.at).toBe(50_000)
  clock.play(true)
  now += 500
  expect(clock.at).toBe(50_500)
  clock.setRate(4)
  expect(clock.at).toBe(50_500)
  now += 100
  expect(clock.at).toBe(50_900)
  clock.hold(true)
  now += 10_000
  expect(clock.at).toBe(50_900)
  clock.hold(false)
  now += 100
  expect(clock.at).toBe(51_300)
  clock.play(false)
  now += 100
  expect([clock.at, clock.playing]).toEqual([51_300, false])
  clock.set(7)
  expect(clock.at).toBe(7)
})
