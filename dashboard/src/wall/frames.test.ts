import { describe, expect, it } from 'vitest'
import { drawDelay, FrameClock, STALE_MS } from './frames'

describe('the frame clock', () => {
  it('has no age before the first frame', () => {
    const clock = new FrameClock()
    expect(clock.age(5000)).toBeNull()
    expect(clock.stale(5000)).toBe(false)
  })

  it('calls a picture stale 2 s after its last frame, and not a millisecond before', () => {
    const clock = new FrameClock()
    clock.drawn(1000, 1, 50)
    expect(clock.stale(1000 + STALE_MS - 1)).toBe(false)
    expect(clock.stale(1000 + STALE_MS)).toBe(true)
    expect(clock.age(4000)).toBe(3050)
    clock.drawn(4000, 1, 50)
    expect(clock.stale(4000)).toBe(false)
  })

  it('counts 25 a second, and 0 once frames stop', () => {
    const clock = new FrameClock()
    for (let at = 0; at <= 6000; at += 40) clock.drawn(1000 + at, 1, 0)
    expect(clock.fps).toBeGreaterThanOrEqual(24)
    expect(clock.fps).toBeLessThanOrEqual(26)
    expect(clock.rate(7000 + STALE_MS)).toBe(0)
  })

  it('does not count the burst that a stream starts with', () => {
    const clock = new FrameClock()
    const said = new Set<number>()
    let now = 1000
    for (let i = 0; i < 200; i++) {
      now += i < 90 ? 4 : 40
      clock.drawn(now, 1, 0, i * 3600)
      said.add(clock.fps)
    }
    expect([...said]).toEqual([0, 25])
  })

  it('does not count a burst that a busy machine draws by and by', () => {
    const clock = new FrameClock()
    let now = 1000
    for (let i = 0; i < 150; i++) {
      now += i < 70 ? 55 : 80
      clock.drawn(now, 2, 0, i * 7200)
      expect([0, 25, 26]).toContain(clock.fps)
    }
    expect(clock.fps).toBe(25)
  })

  it('believes the decoder in a tab that draws nothing', () => {
    const clock = new FrameClock()
    clock.drawn(1000, 10, 0)
    clock.decoded(2500, 45)
    expect(clock.frames).toBe(10)
    clock.decoded(3500, 70)
    expect(clock.stale(3600)).toBe(false)
    expect(clock.frames).toBe(35)
    clock.decoded(6000, 70)
    expect(clock.stale(6000)).toBe(true)
  })

  it('believes the decoder from the first frame on', () => {
    const clock = new FrameClock()
    clock.decoded(1000, 3)
    expect([clock.frames, clock.stale(1100)]).toEqual([3, false])
  })

  it('does not take old frames decoded again for new ones', () => {
    const clock = new FrameClock()
    for (let at = 0; at <= 4000; at += 40) clock.drawn(1_000_000 + at, 1, 0, at * 90)
    clock.decoded(1_006_000, 101, 4000 * 90)
    clock.decoded(1_009_000, 118, 4000 * 90)
    expect(clock.stale(1_009_000)).toBe(true)
    expect(clock.age(1_009_000)).toBeGreaterThan(4_900)
  })

  it('goes on counting with a new decoder', () => {
    const clock = new FrameClock()
    clock.decoded(1000, 500)
    clock.restart()
    clock.decoded(2000, 3)
    expect(clock.frames).toBe(503)
  })
})

describe('time stamps', () => {
  /** Draws frames 40 ms apart, with stamps that start at `media` ms. */
  function play(clock: FrameClock, from: number, ms: number, media: number, every = 40) {
    for (let at = 0; at <= ms; at += 40) clock.drawn(from + (at * every) / 40, 1, 5, ((media + at) * 90) >>> 0)
  }

  it('tell frames that are sent again from new ones', () => {
    const clock = new FrameClock()
    play(clock, 1_000_000, 4000, 50_000)
    expect(clock.age(1_004_000)).toBeLessThan(100)
    // 15 s later the last two seconds once more, in a burst.
    play(clock, 1_019_000, 2000, 52_000, 2)
    expect(clock.stale(1_019_100)).toBe(true)
    expect(clock.age(1_019_100)).toBeGreaterThan(14_000)
    expect(clock.newAt).toBeLessThan(1_004_500)
    // Then the camera is back.
    play(clock, 1_020_000, 3000, 69_000)
    expect(clock.stale(1_023_000)).toBe(false)
  })

  it('catch up within the burst that a viewer starts with', () => {
    const clock = new FrameClock()
    play(clock, 1_000_000, 4000, 50_000, 1)
    play(clock, 1_000_140, 4000, 54_040)
    expect(clock.stale(1_004_140)).toBe(false)
    expect(clock.age(1_004_140)).toBeLessThan(100)
  })

  it('of a restarted camera start a new count', () => {
    const clock = new FrameClock()
    play(clock, 1_000_000, 4000, 500_000)
    play(clock, 1_010_000, 1000, 0)
    expect(clock.age(1_011_000)).toBeLessThan(100)
  })

  it('wrap', () => {
    const clock = new FrameClock()
    play(clock, 1_000_000, 8000, (2 ** 32 - 4000 * 90) / 90)
    expect(clock.age(1_008_000)).toBeLessThan(100)
    expect(clock.stale(1_008_000)).toBe(false)
  })

  it('that stay behind while frames flow on are believed in the end', () => {
    const clock = new FrameClock()
    play(clock, 1_000_000, 4000, 50_000)
    play(clock, 1_014_000, 25_000, 54_040)
    expect(clock.stale(1_039_000)).toBe(false)
  })
})

describe('the burst that a stream starts with', () => {
  it('is over when frames come no faster than time', () => {
    const clock = new FrameClock()
    expect(clock.settled).toBe(0)
    // Four seconds of frames within a tenth of a second, then one every 40 ms.
    for (let n = 0; n < 100; n++) clock.drawn(1_000_000 + n, 1, 0, n * 3600)
    expect(clock.settled).toBeLessThan(5)
    for (let n = 0; n < 10; n++) clock.drawn(1_000_140 + n * 40, 1, 0, (100 + n) * 3600)
    expect(clock.settled).toBeGreaterThan(350)
  })

  it('is judged by the first frame where there are no time stamps', () => {
    const clock = new FrameClock()
    clock.drawn(1_000_000, 1, 0)
    clock.drawn(1_000_040, 1, 0)
    clock.drawn(1_000_240, 1, 0)
    expect(clock.settled).toBe(240)
  })

  it('is not over while a busy machine draws its first frame alone', () => {
    const clock = new FrameClock()
    clock.drawn(1_000_000, 1, 0, 0)
    expect(clock.settled).toBe(0)
    // Half a second later what is left of it comes, 50 frames in a tenth of a second.
    for (let n = 1; n <= 50; n++) clock.drawn(1_000_500 + n * 2, 1, 0, n * 3600)
    expect(clock.settled).toBeLessThan(5)
  })
})

describe('a picture', () => {
  it('that is decoded and not drawn does not end the burst where the page draws', () => {
    const clock = new FrameClock()
    clock.drawn(1_000_000, 1, 0, 0)
    for (let n = 1; n <= 10; n++) clock.decoded(1_001_000 + n * 400, n * 10, n * 400 * 90)
    expect(clock.settled).toBe(0)
    expect(clock.pictures).toBe(1)
    expect(clock.lastAt).toBe(1_005_000)
  })

  it('counts when it is decoded where the page draws none', () => {
    const clock = new FrameClock()
    for (let n = 1; n <= 3; n++) clock.decoded(1_000_000 + n * 400, n * 10, n * 400 * 90)
    expect(clock.settled).toBe(800)
    expect(clock.pictures).toBe(3)
  })
})

describe('the delay of a drawn frame', () => {
  it('is taken from the capture when known, else from the arrival', () => {
    expect(drawDelay({ expectedDisplayTime: 1000, captureTime: 900, receiveTime: 980 })).toBe(100)
    expect(drawDelay({ expectedDisplayTime: 1000, receiveTime: 980 })).toBe(20)
    expect(drawDelay({ expectedDisplayTime: 1000 })).toBe(0)
  })

  it('does not believe clocks that disagree', () => {
    expect(drawDelay({ expectedDisplayTime: 100_000, captureTime: 1, receiveTime: 99_980 })).toBe(20)
    expect(drawDelay({ expectedDisplayTime: 1000, captureTime: 2000, receiveTime: 990 })).toBe(10)
  })
})
