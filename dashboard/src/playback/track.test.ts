import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeDoor, FakeSource, FakeVideo, fakeMaker } from './fakes'
import { MINUTE, SECOND, type Span } from './timeline'
import { Track } from './track'

const T = Date.parse('2026-11-28T10:00:00Z')
const EPOCH = T - 2 * MINUTE
const settle = () => vi.advanceTimersByTimeAsync(0)

function setup(ranges: Span[] = [{ from: T, to: T + 60 * MINUTE }], missing?: (at: number) => number | null) {
  let now = 0
  const door = new FakeDoor(ranges)
  const video = new FakeVideo()
  const track = new Track({
    camera: 'a', profile: 'main', video: video as unknown as HTMLVideoElement, door, epoch: EPOCH, serverNow: () => T + 120 * MINUTE, missing,
    around: { now: () => now, source: fakeMaker },
  })
  /** Ticks until nothing more is asked for. */
  const run = async (at: number, rate = 1) => {
    for (let before = -1; before !== door.asked.length; ) {
      before = door.asked.length
      track.tick(at, rate)
      await settle()
    }
  }
  return { door, video, track, run, pass: (ms: number) => (now += ms), buffer: () => FakeSource.made.at(-1)!.buffer }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }))
  FakeSource.made = []
})
afterEach(() => vi.useRealTimers())

describe('a track', () => {
  it('asks for a short run first, then for what follows, and stops when enough is there', async () => {
    const { door, track, run, buffer } = setup()
    expect(track.stateAt(T + 5 * SECOND)).toBe('loading')
    await run(T + 5 * SECOND)
    expect(track.stateAt(T + 5 * SECOND)).toBe('ready')
    expect(door.asked[0]).toMatchObject({ at: T + 5 * SECOND, seconds: 2, epoch: EPOCH })
    expect(door.asked.length).toBeLessThan(6)
    const [span] = buffer().spans
    expect(span!.from).toBe(124)
    expect(span!.to).toBeGreaterThanOrEqual(124 + 16)
    // What follows is asked for where the server said that it begins.
    expect(door.asked[1]!.at).toBe(T + 6 * SECOND)
  })

  it('holds more at eight times the speed, and lets go what was shown long ago', async () => {
    const { door, run, buffer, pass } = setup()
    await run(T)
    const slow = door.asked.length
    await run(T, 8)
    expect(door.asked.length).toBeGreaterThan(slow)
    expect(buffer().spans.at(-1)!.to).toBeGreaterThanOrEqual(120 + 60)
    pass(3000)
    await run(T + 50 * SECOND, 8)
    await settle()
    expect(buffer().spans[0]!.from).toBeGreaterThanOrEqual(120 + 50 - 20)
  })

  it('shows a gap as a gap, and asks for what comes after it in time', async () => {
    const { door, track, run } = setup([{ from: T, to: T + 10 * SECOND }, { from: T + 40 * SECOND, to: T + 90 * SECOND }])
    await run(T + 4 * SECOND)
    expect(track.stateAt(T + 20 * SECOND)).toBe('gap')
    expect(track.nextAt(T + 20 * SECOND)).toBe(T + 40 * SECOND)
    expect(door.asked.every((ask) => ask.at < T + 10 * SECOND)).toBe(true)
    await run(T + 30 * SECOND)
    expect(door.asked.at(-1)!.at).toBeGreaterThanOrEqual(T + 40 * SECOND)
    expect(track.stateAt(T + 41 * SECOND)).toBe('ready')
  })

  it('does not ask for what is known to be missing', async () => {
    const { door, track, run } = setup([{ from: T + MINUTE, to: T + 2 * MINUTE }], (at) => (at < T + MINUTE ? T + MINUTE : null))
    await run(T)
    expect(door.asked).toEqual([])
    expect(track.stateAt(T)).toBe('gap')
    expect(track.nextAt(T)).toBe(T + MINUTE)
  })

  it('asks at the end of the record again after a while, not without pause', async () => {
    const { door, track, run, pass } = setup([{ from: T, to: T + 8 * SECOND }])
    await run(T + 2 * SECOND)
    const before = door.asked.length
    expect(track.stateAt(T + 8 * SECOND)).toBe('end')
    await run(T + 2 * SECOND)
    expect(door.asked.length).toBe(before)
    door.ranges = [{ from: T, to: T + 20 * SECOND }]
    pass(2000)
    await run(T + 2 * SECOND)
    await run(T + 2 * SECOND)
    expect(track.stateAt(T + 12 * SECOND)).toBe('ready')
  })

  it('gives up a run that the clock has left', async () => {
    const { door, track, run } = setup()
    door.held = []
    await run(T)
    expect(door.asked.length).toBe(1)
    track.moved(T + 30 * MINUTE)
    door.held.forEach((go) => go())
    door.held = null
    await settle()
    expect(track.stateAt(T)).toBe('loading')
    await run(T + 30 * MINUTE)
    expect(track.stateAt(T + 30 * MINUTE)).toBe('ready')
  })

  it('tries again after a fault, later each time, and says why', async () => {
    const { door, track, run, pass } = setup()
    door.failing = [500, new TypeError('Failed to fetch')]
    await run(T)
    expect([door.asked.length, track.trouble, track.retryAt]).toEqual([1, 'server', 500])
    pass(600)
    await run(T)
    expect([door.asked.length, track.trouble, track.retryAt]).toEqual([2, 'network', 1600])
    pass(1100)
    await run(T)
    expect([track.stateAt(T), track.trouble]).toEqual(['ready', null])
  })

  it('is refused for good without the right, and knows what the browser cannot play', async () => {
    const refused = setup()
    refused.door.failing = [403]
    await refused.run(T)
    expect([refused.track.stateAt(T), refused.door.asked.length]).toEqual(['refused', 1])
    const strange = setup()
    strange.door.codecs = 'hvc1.1.6.L93.B0'
    await strange.run(T)
    expect([strange.track.stateAt(T), strange.track.codecs, strange.door.asked.length]).toEqual(['unsupported', 'hvc1.1.6.L93.B0', 1])
  })

  it('makes room when the browser has none left', async () => {
    const { track, run, buffer, video } = setup()
    await run(T)
    video.currentTime = 125
    buffer().full = true
    await run(T + 15 * SECOND)
    expect(track.stateAt(T + 15 * SECOND)).toBe('ready')
    expect(buffer().spans[0]!.from).toBe(123)
  })

  it('begins anew when the decoder gives up, so many times', async () => {
    const { track, run, video, pass } = setup()
    await run(T)
    for (let i = 0; i < 3; i++) {
      video.error = { message: 'decode' }
      video.tell('error')
      expect(track.stateAt(T)).toBe('loading')
      pass(1000)
      await run(T)
      expect(track.stateAt(T)).toBe('ready')
    }
    video.tell('error')
    expect(track.stateAt(T)).toBe('error')
    track.retry()
    pass(1000)
    await run(T)
    expect(track.stateAt(T)).toBe('ready')
  })

  it('comes into step by its speed, and hops when it is far off', async () => {
    const { track, run, video } = setup()
    await run(T)
    video.currentTime = 120.1
    track.follow(T, 1)
    expect([video.paused, video.playbackRate]).toEqual([false, 0.9])
    video.currentTime = 123
    track.follow(T, 1)
    expect(video.currentTime).toBeCloseTo(120, 1)
    track.stand(T + 3 * SECOND)
    expect([video.paused, Math.round(video.currentTime)]).toEqual([true, 123])
  })

  it('closed, asks for nothing more', async () => {
    const { track, run, door } = setup()
    track.close()
    await run(T)
    expect(door.asked).toEqual([])
  })
})
