import { expect, it, vi } from 'vitest'
import { GrantedDoor, REACH_MS } from './door'

const T = Date.parse('2026-11-28T10:00:00Z')
const ask = (camera = 'a', at = T) => ({ camera, profile: 'main' as const, at, seconds: 2, epoch: T - 60_000 })
const never = new AbortController().signal

function setup(answers: Response[] = []) {
  const opened: { cameras: string[]; from: string; to: string; purpose: string; case_id?: string }[] = []
  const api = {
    openPlayback: vi.fn(async (wanted: (typeof opened)[number]) => {
      opened.push(wanted)
      return { id: `g${opened.length}`, expires: '', cameras: wanted.cameras, profile: 'main' as const, from: wanted.from, to: wanted.to }
    }),
    closePlayback: vi.fn(async () => undefined),
    keyframes: vi.fn(async () => ({ items: ['2026-11-28T09:59:58Z', '2026-11-28T09:59:54Z'] })),
  }
  const urls: string[] = []
  const fetcher = (async (url: string) => {
    urls.push(url)
    return answers.shift() ?? new Response('film')
  }) as unknown as typeof fetch
  const door = new GrantedDoor(api, { purpose: 'why', caseId: 'c1' }, ['a', 'b'], fetcher)
  return { door, api, opened, urls }
}
const json = (body: unknown, status: number) => new Response(JSON.stringify(body), { status })

it('opens one grant for all cameras, an hour around the time, with its purpose', async () => {
  const { door, opened, urls } = setup()
  await Promise.all([door.run(ask('a'), never), door.run(ask('b'), never), door.run(ask('a', T + 1000), never)])
  expect(opened).toEqual([{
    cameras: ['a', 'b'], profile: 'main', from: new Date(T - REACH_MS).toISOString(), to: new Date(T + REACH_MS).toISOString(), purpose: 'why', case_id: 'c1',
  }])
  expect(urls[0]).toMatch(/^\/api\/v1\/playbacks\/g1\/media\?camera=a&at=2026-11-28T10%3A00%3A00.000Z&seconds=2&epoch=/)
})

it('opens the next one where the first does not reach, and gives that back', async () => {
  const { door, api, opened } = setup()
  await door.run(ask(), never)
  await door.run(ask('a', T + 2 * REACH_MS), never)
  expect(opened.length).toBe(2)
  expect(api.closePlayback).toHaveBeenCalledWith('g1')
  door.setCameras(['a', 'c'])
  await door.run(ask('c', T + 2 * REACH_MS), never)
  expect(opened.at(-1)!.cameras).toEqual(['a', 'c'])
  door.close()
  expect(api.closePlayback).toHaveBeenCalledTimes(3)
})

it('asks again when the grant has ended, and not when nothing was recorded', async () => {
  const ended = setup([json({ detail: 'no such playback' }, 404)])
  expect((await ended.door.run(ask(), never)).status).toBe(200)
  expect(ended.opened.length).toBe(2)
  const nothing = setup([json({ errors: [{ field: 'at', message: 'nothing' }] }, 404)])
  const answer = await nothing.door.run(ask(), never)
  expect([answer.status, nothing.opened.length]).toEqual([404, 1])
})

it('tells key frames in order of time', async () => {
  const { door } = setup()
  expect(await door.keyframes('a', 'main', T, never)).toEqual([T - 6000, T - 2000])
})
