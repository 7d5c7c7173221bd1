import { describe, expect, test } from 'vitest'
import { tell } from './support/numbers'
import { stage } from './support/stage'

interface Span { from: string; to: string }
interface Timeline { items: { ranges: Span[] }[] }

/** From the camera's drawing of a frame to its arrival, from which the record counts, and a frame. */
const TOLERANCE_MS = 600
const FRAME_MS = 40

describe('playback', () => {
  const here = stage({ cameras: 4, record: true })

  test('Chromium plays what was recorded, from the moment that was asked for, frame by frame', async () => {
    const person = await here.person('duty_officer')
    await person.page.goto('/report')
    const begun = new Date(Date.now() - 60_000).toISOString()
    const ranges = async () => {
      const query = `camera=cam000&from=${begun}&to=${new Date(Date.now() + 60_000).toISOString()}`
      const { body } = await person.api.request<Timeline>('GET', `/api/v1/recordings?${query}`)
      return body.items[0]!.ranges
    }
    await expect.poll(async () => {
      const [first] = await ranges()
      return first ? Date.parse(first.to) - Date.parse(first.from) : 0
    }, { timeout: 50_000 }).toBeGreaterThan(14_000)
    const from = Date.parse((await ranges())[0]!.from)

    const seen = await person.page.evaluate(async ([from, frameMs]) => {
      const stamp = (at: number) => new Date(at).toISOString()
      const answer = await fetch('/api/v1/playbacks', {
        method: 'POST', headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ cameras: ['cam000'], from: stamp(from), to: stamp(from + 3_600_000), purpose: 'e2e' }),
      })
      const { id } = await answer.json() as { id: string }
      const epoch = from - 60_000
      const run = async (at: number) => {
        const asked = performance.now()
        const response = await fetch(`/api/v1/playbacks/${id}/media?camera=cam000&at=${stamp(at)}&seconds=4&epoch=${stamp(epoch)}`)
        if (!response.ok) throw new Error(await response.text())
        const headers = Object.fromEntries(response.headers)
        return { headers, bytes: await response.arrayBuffer(), ms: performance.now() - asked }
      }
      const first = await run(from + 6000)
      const type = `video/mp4; codecs="${first.headers['x-codecs']}"`
      if (!MediaSource.isTypeSupported(type)) throw new Error(`${type} is not supported`)
      const source = new MediaSource()
      const video = document.createElement('video')
      video.muted = true
      video.src = URL.createObjectURL(source)
      await new Promise((done) => source.addEventListener('sourceopen', done, { once: true }))
      const buffer = source.addSourceBuffer(type)
      const append = (bytes: ArrayBuffer) => new Promise<void>((done, failed) => {
        buffer.addEventListener('updateend', () => done(), { once: true })
        buffer.addEventListener('error', () => failed(new Error('the run cannot be decoded')), { once: true })
        buffer.appendBuffer(bytes)
      })
      await append(first.bytes)
      const second = await run(Date.parse(first.headers['x-next']!))
      await append(second.bytes)
      const buffered = Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)] as const)
      // Where is the picture of a moment, and the next one?
      const show = async (at: number) => {
        const drawn = new Promise((done) => video.requestVideoFrameCallback(done))
        video.currentTime = (at - epoch) / 1000
        await drawn
        return window.probe.read(video, at)
      }
      const shown = []
      for (let i = 0; i < 4; i++) shown.push(await show(from + 6500 + i * frameMs))
      shown.push(await show(Date.parse(first.headers['x-next']!) + 300)) // in the second run
      video.playbackRate = 8
      await video.play()
      const end = (Date.parse(second.headers['x-to']!) - epoch) / 1000
      await new Promise<void>((done) => video.addEventListener('timeupdate', () => { if (video.currentTime > end - 1) done() }))
      video.pause()
      await fetch(`/api/v1/playbacks/${id}`, { method: 'DELETE' })
      return { id, buffered, shown, first: first.headers, ms: [first.ms, second.ms] }
    }, [from, FRAME_MS] as const)

    expect(seen.buffered, 'the second run does not go on from the first').toHaveLength(1)
    expect(Date.parse(seen.first['x-from']!)).toBeLessThanOrEqual(from + 6000)
    const ages = seen.shown.map(({ ageMs }) => ageMs)
    for (const [i, { frame, ageMs }] of seen.shown.entries()) {
      expect(frame, `picture ${i}: the strip cannot be read`).not.toBeNull()
      expect(ageMs, `picture ${i} is not of the moment that was asked for`).toBeGreaterThan(-2 * FRAME_MS)
      expect(ageMs, `picture ${i} is not of the moment that was asked for`).toBeLessThan(TOLERANCE_MS)
    }
    const numbers = seen.shown.slice(0, 4).map(({ frame }) => frame!)
    expect(numbers.map((n) => (n - numbers[0]! + 200) % 200), 'frame by frame').toEqual([0, 1, 2, 3])
    const after = `/api/v1/playbacks/${seen.id}/media?camera=cam000&at=${new Date(from + 6000).toISOString()}`
    expect((await person.api.request('GET', after)).status, 'what has ended').toBe(404)
    tell('between the drawing of a picture and the time that it is recorded under', ages)
    tell('until a run of four seconds is there', seen.ms)
  }, 120_000)
})
