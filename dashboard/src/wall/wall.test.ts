import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Camera, Status } from '../api/types'
import { Picture } from '../picture/picture'
import { FakeWorld } from './fakes'
import { Spares } from './peers'
import { KEEP, VideoPool } from './pool'
import { Wall } from './wall'

const settle = () => vi.advanceTimersByTimeAsync(0)
const t = (key: string) => key

function setup(layout: 1 | 4 | 9 = 4, spare = false) {
  const world = new FakeWorld()
  if (spare) world.spares = new Spares(world, 1)
  const picture = new Picture((run) => run())
  const camera = (id: string) => ({ id, name: `name of ${id}`, sub: true, enabled: true }) as Camera
  picture.applySnapshot({ type: 'snapshot', part: 1, parts: 1, seq: 1, cameras: ['a', 'b', 'c', 'd', 'e'].map(camera), incidents: [], alerts: [] })
  picture.setConnection({ state: 'live', since: 0, lagMs: 0 })
  const el = document.createElement('div')
  document.body.append(el)
  const wall = new Wall(el, { picture, viewer: 'viewer', t, layout }, world)
  const tiles = () => [...el.querySelectorAll<HTMLElement>('.tile')].sort((x, y) => Number(x.style.order) - Number(y.style.order))
  const posted = () => world.calls.filter((call) => call.method === 'POST').map((call) => call.url)
  const say = (id: string, over: Partial<Status>) => picture.applyStatus([{ id, state: 'live', reason: '', since: new Date().toISOString(), ...over }])
  return { world, picture, el, wall, tiles, posted, say }
}
const press = (el: Element, key: string, shiftKey = false) => el.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }))

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  document.body.replaceChildren()
})

describe('the wall', () => {
  it('plays a camera in the first free tile, the sub stream on a small one', async () => {
    const { wall, tiles, posted } = setup()
    expect(wall.show('a')).toBe(0)
    expect(wall.show('b')).toBe(1)
    await settle()
    expect(posted()).toEqual(['/api/v1/cameras/a/whep?profile=sub', '/api/v1/cameras/b/whep?profile=sub'])
    expect(tiles()[0]!.dataset).toMatchObject({ camera: 'a', state: 'connecting', frames: '0' })
    expect(tiles()[2]!.dataset['state']).toBe('empty')
    wall.destroy()
  })

  it('never shows one camera twice', () => {
    const { wall } = setup()
    wall.show('a')
    expect(wall.show('a')).toBe(0)
    wall.show('a', { slot: 3 })
    expect(wall.cameras()).toEqual([null, null, null, 'a'])
    wall.destroy()
  })

  it('lets what stays go on playing when the set changes', async () => {
    const { wall, world } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
    await settle()
    wall.showAll([{ id: 'd' }, { id: 'b' }])
    await settle()
    expect(wall.cameras()).toEqual(['d', 'b', null, null])
    expect(world.sessions.size).toBe(2)
    expect(world.count('POST')).toBe(4)
    wall.destroy()
  })

  it('swaps two tiles without opening anything anew', async () => {
    const { wall, world, tiles, el } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }])
    await settle()
    const video = tiles()[0]!.querySelector('video')
    wall.swap(0, 3)
    await settle()
    expect(wall.cameras()).toEqual([null, 'b', null, 'a'])
    expect(tiles()[3]!.querySelector('video')).toBe(video)
    expect(tiles().map((tile) => tile.dataset['slot'])).toEqual(['0', '1', '2', '3'])
    expect(world.count('POST')).toBe(2)
    wall.remove('a')
    await settle()
    expect(tiles()[3]!.dataset['state']).toBe('empty')
    expect(el.querySelectorAll('video')).toHaveLength(1)
    wall.destroy()
  })

  it('asks for main when one tile is made large, and goes back', async () => {
    const { wall, el, posted } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }])
    await settle()
    wall.select(1, true)
    press(el.querySelector('.se-wall')!, 'Enter')
    await settle()
    expect(wall.zoomed).toBe(1)
    expect(posted().at(-1)).toBe('/api/v1/cameras/b/whep?profile=main')
    press(el.querySelector('.se-wall')!, 'Escape')
    expect(wall.zoomed).toBeNull()
    wall.destroy()
  })

  it('is walked and emptied by keys', () => {
    const { wall, el } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }])
    const root = el.querySelector('.se-wall')!
    press(root, 'ArrowRight')
    expect(wall.selected).toBe(1)
    press(root, 'ArrowDown')
    expect(wall.selected).toBe(3)
    press(root, 'ArrowDown')
    expect(wall.selected).toBe(3)
    press(root, 'ArrowUp')
    press(root, 'Delete')
    expect(wall.cameras()).toEqual(['a', null, null, null])
    press(root, 'ArrowLeft')
    press(root, 'ArrowRight', true)
    expect(wall.cameras()).toEqual([null, 'a', null, null])
    wall.destroy()
  })

  it('does not ask for a dead camera, says why, and plays it the moment it is back', async () => {
    const { wall, tiles, say, world } = setup()
    say('a', { state: 'refused', reason: 'sign_in_refused' })
    wall.show('a')
    await settle()
    expect(world.count('POST')).toBe(0)
    expect(tiles()[0]!.dataset['state']).toBe('offline')
    expect(tiles()[0]!.textContent).toContain('wall.reason.sign_in_refused')
    say('a', { state: 'live' })
    await settle()
    expect(world.count('POST')).toBe(1)
    wall.destroy()
  })

  it('offers sound for the one tile that was asked for, and for no other', async () => {
    const { wall, el, world } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }])
    await settle()
    const root = el.querySelector('.se-wall')!
    expect(world.peers.every((peer) => !peer.kinds.includes('audio'))).toBe(true)
    wall.select(0)
    press(root, 'm')
    await settle()
    expect(wall.sounding).toBe('a')
    expect(world.last.kinds).toEqual(['video', 'audio'])
    wall.select(1)
    press(root, 'm')
    await settle()
    expect(wall.sounding).toBe('b')
    expect(world.peers.filter((peer) => !peer.closed && peer.kinds.includes('audio'))).toHaveLength(1)
    wall.remove('b')
    expect(wall.sounding).toBeNull()
    press(root, 'm')
    expect(wall.sounding).toBeNull()
    wall.destroy()
    await settle()
    expect(world.peers.every((peer) => peer.closed)).toBe(true)
  })

  it('asks for the figures of what it shows, and no more when it is gone', () => {
    const { wall, picture } = setup()
    wall.showAll([{ id: 'a' }, { id: 'c' }])
    expect(picture.wanted()).toEqual(['a', 'c'])
    wall.remove('a')
    expect(picture.wanted()).toEqual(['c'])
    wall.destroy()
    expect(picture.wanted()).toEqual([])
  })

  it('wakes what waits when the page comes into sight, or the camera turns, not at every word of it', async () => {
    const { wall, world, say } = setup()
    world.answer = (call) => call.method === 'POST' ? new Response(null, { status: 503 }) : world.ordinary(call)
    const since = new Date().toISOString()
    say('a', { state: 'idle', since })
    wall.show('a')
    await settle()
    const first = world.count('POST')
    for (let n = 0; n < 5; n++) say('a', { state: 'idle', since, kbps: n })
    await settle()
    expect(world.count('POST')).toBeLessThanOrEqual(first + 1)
    const before = world.count('POST')
    say('a', { state: 'live', since })
    await settle()
    expect(world.count('POST')).toBe(before + 1)
    document.dispatchEvent(new Event('visibilitychange'))
    await settle()
    expect(world.count('POST')).toBe(before + 2)
    wall.destroy()
  })

  it('asks for the last picture beside live video, of cameras the server has one of', async () => {
    const { wall, world, say, picture } = setup()
    const stills = () => world.calls.filter((call) => call.url.endsWith('/keyframe.mp4')).map((call) => call.url)
    wall.show('a')
    await settle()
    expect(stills()).toEqual([])
    say('b', { state: 'live' })
    wall.show('b')
    await settle()
    expect(stills()).toEqual(['/api/v1/cameras/b/keyframe.mp4'])
    const calls = world.calls.map((call) => call.url)
    expect(calls.indexOf('/api/v1/cameras/b/keyframe.mp4')).toBeGreaterThan(calls.indexOf('/api/v1/cameras/b/whep?profile=sub'))
    // A wall that is opened with its cameras hears of them only then, after a word without them; one that turns live brings its picture itself.
    picture.applySnapshot({ type: 'snapshot', part: 1, parts: 1, seq: 2, cameras: [...picture.cameras.values()], incidents: [], alerts: [] })
    say('a', { state: 'live' })
    expect(stills()).toHaveLength(2)
    wall.show('c')
    await settle()
    say('c', { state: 'connecting' })
    say('c', { state: 'live' })
    await settle()
    expect(stills()).toHaveLength(2)
    wall.destroy()
  })

  it('ends what a smaller layout no longer shows, and brings it back with a larger one', async () => {
    const { wall, world } = setup(9)
    wall.showAll(['a', 'b', 'c', 'd', 'e'].map((id) => ({ id })))
    await settle()
    expect(world.sessions.size).toBe(5)
    wall.setLayout(4)
    await settle()
    expect(world.sessions.size).toBe(4)
    wall.setLayout(9)
    await settle()
    expect(wall.cameras().slice(0, 5)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(world.sessions.size).toBe(5)
    wall.destroy()
  })

  it('ends its sessions when the page is put away, and starts them when it comes back', async () => {
    const { wall, world } = setup()
    wall.showAll([{ id: 'a' }, { id: 'b' }])
    await settle()
    window.dispatchEvent(new Event('pagehide'))
    expect(world.sessions.size).toBe(0)
    expect(world.calls.filter((call) => call.method === 'DELETE').every((call) => call.init.keepalive)).toBe(true)
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await settle()
    expect(world.sessions.size).toBe(2)
    wall.destroy()
  })

  it('keeps a peer ready for the next camera, but not over a change of the network, nor for a page put away', async () => {
    const { wall, world, posted } = setup(4, true)
    const made = async () => {
      await vi.advanceTimersByTimeAsync(300)
      world.last.become('connected')
      return world.last
    }
    const first = await made()
    for (const event of [new Event('online'), Object.assign(new Event('pageshow'), { persisted: true })]) {
      const before = await made()
      window.dispatchEvent(new Event(event.type === 'online' ? 'offline' : 'pagehide'))
      expect(before.closed).toBe(true)
      expect(world.sessions.size).toBe(0)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(world.last).toBe(before)
      window.dispatchEvent(event)
      expect((await made()).closed).toBe(false)
    }
    wall.show('a')
    await settle()
    expect(posted().at(-1)).toBe('/api/v1/cameras/a/whep?profile=sub&session=s3')
    wall.destroy()
    expect(first.closed).toBe(true)
    expect(world.sessions.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([false, true])('leaves nothing behind after hundreds of changes, with a spare peer: %s', async (spare) => {
    const { wall, world, el } = setup(4, spare)
    for (let round = 0; round < 200; round++) {
      wall.show('abcde'[round % 5]!, { slot: round % 4 })
      if (round % 7 === 0) wall.setLayout(round % 2 ? 4 : 9)
      if (round % 3 === 0) await settle()
      if (round % 11 === 0) await vi.advanceTimersByTimeAsync(300)
      world.last.become('connected')
    }
    await settle()
    expect(el.querySelectorAll('video').length).toBeLessThanOrEqual(5)
    wall.destroy()
    await settle()
    expect(world.sessions.size).toBe(0)
    expect(world.peers.every((peer) => peer.closed)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    expect(el.childElementCount).toBe(0)
  })
})

describe('the pool of video elements', () => {
  it('makes no more than are out at once, and hands each out once', () => {
    const pool = new VideoPool()
    for (let round = 0; round < 300; round++) {
      const [a, b] = [pool.take(), pool.take()]
      expect(a).not.toBe(b)
      pool.give(a)
      pool.give(a)
      pool.give(b)
    }
    expect(pool.made).toBe(2)
    expect(pool.out).toBe(0)
    expect(pool.idle).toBe(2)
  })

  it('keeps a bounded number', () => {
    const pool = new VideoPool()
    const many = Array.from({ length: KEEP + 10 }, () => pool.take())
    many.forEach((video) => pool.give(video))
    expect(pool.idle).toBe(KEEP)
  })

  it('hands out muted inline elements without a stream', () => {
    const pool = new VideoPool()
    const video = pool.take()
    expect(video.muted && video.autoplay && video.playsInline).toBe(true)
    expect(video.hasAttribute('playsinline')).toBe(true)
  })
})
