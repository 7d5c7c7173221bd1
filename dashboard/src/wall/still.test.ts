import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SHOW_AFTER_MS, Still, StillLine } from './still'

interface Asked {
  url: string
  signal: AbortSignal
  answer(response: Response): void
}

function setup() {
  const asked: Asked[] = []
  const stage = document.createElement('div')
  const onChange = vi.fn()
  const line = new StillLine()
  const around = {
    now: () => Date.now(),
    fetch: (url: string, init: RequestInit) => new Promise<Response>((answer, failed) => {
      init.signal!.addEventListener('abort', () => failed(new DOMException('', 'AbortError')))
      asked.push({ url, signal: init.signal!, answer })
    }),
    draw: () => Promise.resolve(),
  }
  const make = () => new Still(stage, line, around, onChange)
  return { asked, stage, onChange, make, still: make() }
}
const picture = (age = '3.2') => new Response(new Blob(['film']), { headers: { 'X-Picture-Age': age } })
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a still', () => {
  it('is shown with the time it was taken', async () => {
    const { still, asked, stage, onChange } = setup()
    still.start('cam 1')
    expect(asked[0]!.url).toBe('/api/v1/cameras/cam%201/keyframe.mp4')
    asked[0]!.answer(picture())
    const answered = Date.now()
    await vi.advanceTimersByTimeAsync(SHOW_AFTER_MS)
    expect(stage.querySelectorAll('canvas')).toHaveLength(1)
    expect(still.takenAt).toBe(answered - 3200)
    expect(onChange).toHaveBeenCalledOnce()
    still.stop()
    expect([stage.childElementCount, still.takenAt]).toEqual([0, 0])
  })

  it('does not flash up before live video that comes at once', async () => {
    const { still, asked, stage } = setup()
    still.start('a')
    asked[0]!.answer(picture())
    await vi.advanceTimersByTimeAsync(SHOW_AFTER_MS - 1)
    expect(stage.childElementCount).toBe(0)
    still.stop()
    await vi.advanceTimersByTimeAsync(1000)
    expect(stage.childElementCount).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['without an age', () => new Response(new Blob(['film']))],
    ['with an age that is none', () => picture('soon')],
    ['from the future', () => picture('-4')],
    ['that is empty', () => new Response(new Blob([]), { headers: { 'X-Picture-Age': '1' } })],
    ['that is refused', () => new Response(null, { status: 503 })],
  ])('%s is not shown', async (_what, answer) => {
    const { still, asked, stage, onChange } = setup()
    still.start('a')
    asked[0]!.answer(answer())
    await vi.advanceTimersByTimeAsync(1000)
    expect(stage.childElementCount).toBe(0)
    expect(onChange).not.toHaveBeenCalled()
  })

  it('leaves connections free for live video: two requests at a time, and none that came too late', async () => {
    const { make, asked } = setup()
    const many = Array.from({ length: 5 }, make)
    many.forEach((still, i) => still.start(`c${i}`))
    await settle()
    expect(asked).toHaveLength(2)
    many[2]!.stop()
    many[0]!.stop()
    await settle()
    expect(asked[0]!.signal.aborted).toBe(true)
    expect(asked.map(({ url }) => url.split('/')[4])).toEqual(['c0', 'c1', 'c3'])
    asked[1]!.answer(picture())
    await settle()
    await vi.advanceTimersByTimeAsync(SHOW_AFTER_MS)
    expect(asked).toHaveLength(4)
    many.forEach((still) => still.stop())
    await settle()
    expect(asked).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on to the next when turns are handed on and given up in the same moment', async () => {
    const { make, asked } = setup()
    const many = Array.from({ length: 6 }, make)
    many.forEach((still, i) => still.start(`c${i}`))
    await settle()
    for (const i of [0, 1, 2, 3]) many[i]!.stop()
    await settle()
    expect(asked.map(({ url }) => url.split('/')[4])).toEqual(['c0', 'c1', 'c4', 'c5'])
    many.forEach((still) => still.stop())
  })
})
