import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeWorld } from './fakes'
import { Spares } from './peers'
import { askWhile, browser, CODEC_RETRY_MS, HOLD_MS, WhepSession, PATH_TIMEOUT_MS, RESTART_AFTER_MS, RESTART_TIMEOUT_MS, type LinkState, type Told } from './whep'

function setup() {
  const world = new FakeWorld()
  const states: LinkState[] = []
  const session = new WhepSession({
    url: '/api/v1/cameras/cam000/whep?profile=main',
    onState: (state) => states.push(state),
    onStream: () => undefined,
  }, world)
  const names = () => states.map((state) => state.state)
  return { world, session, states, names, last: () => states.at(-1)! }
}
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a WHEP session', () => {
  it('posts the offer, takes the answer and is connected', async () => {
    const { world, session, names } = setup()
    session.open()
    await settle()
    expect(world.calls[0]).toMatchObject({ method: 'POST', url: '/api/v1/cameras/cam000/whep?profile=main' })
    expect(world.calls[0]!.init.credentials).toBe('same-origin')
    expect(world.last.remoteDescription?.sdp).toContain('ansU')
    expect(world.last.receiver.jitterBufferTarget).toBe(0)
    world.last.become('connected')
    expect(names()).toEqual(['connecting', 'connected'])
    session.close()
    await settle()
    expect(world.sessions.size).toBe(0)
    expect(world.last.closed).toBe(true)
  })

  it('deletes with keepalive when the page goes away', async () => {
    const { world, session } = setup()
    session.open()
    await settle()
    session.close(true)
    expect(world.calls.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/v1/whep/s1' })
    expect(world.calls.at(-1)!.init.keepalive).toBe(true)
  })

  it('deletes a session whose answer comes after close, and tells nothing more', async () => {
    const { world, session, names } = setup()
    let respond: (response: Response) => void = () => undefined
    world.answer = (call) => call.method === 'POST' ? new Promise((resolve) => { respond = resolve }) : world.ordinary(call)
    session.open()
    await settle()
    session.close()
    respond(world.created('/api/v1/whep/late'))
    await settle()
    expect(world.sessions.size).toBe(0)
    expect(names()).toEqual(['connecting'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([[401, 'signed_out'], [403, 'forbidden']])('stops for good on %d', async (status, trouble) => {
    const { world, session, last } = setup()
    world.answer = () => new Response(null, { status: status as number })
    session.open()
    await settle()
    expect(last()).toEqual({ state: 'refused', trouble })
    await vi.advanceTimersByTimeAsync(3600_000)
    expect(world.count('POST')).toBe(1)
  })

  it.each([[404, 'not_found'], [503, 'no_picture'], [500, 'server']])('tries again after %d', async (status, trouble) => {
    const { world, session, last } = setup()
    world.answer = () => new Response(null, { status: status as number })
    session.open()
    await settle()
    expect(last()).toMatchObject({ state: 'waiting', trouble })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(world.count('POST')).toBe(2)
    session.close()
  })

  it.each([['{"errors":[{"field":"codec","message":"h265_not_taken"}]}', 'h265'], ['{}', 'no_codec']])('asks seldom when the codec does not fit: %s', async (body, trouble) => {
    const { world, session, last } = setup()
    world.answer = () => new Response(body, { status: 406 })
    session.open()
    await settle()
    expect(last()).toMatchObject({ state: 'waiting', trouble })
    await vi.advanceTimersByTimeAsync(CODEC_RETRY_MS - 1)
    expect(world.count('POST')).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(world.count('POST')).toBe(2)
    session.close()
  })

  it('tells a server that transcodes no more from a camera without a picture', async () => {
    const { world, session, last } = setup()
    world.answer = () => new Response('{"errors":[{"field":"codec","message":"transcodes_full"}]}', { status: 503 })
    session.open()
    await settle()
    expect(last()).toMatchObject({ state: 'waiting', trouble: 'transcodes' })
    session.close()
  })

  it('is woken out of a refusal when rights may have changed, and not otherwise', async () => {
    const { world, session } = setup()
    world.answer = () => new Response(null, { status: 403 })
    session.open()
    await settle()
    session.nudge()
    await settle()
    expect(world.count('POST')).toBe(1)
    session.nudge(true)
    await settle()
    expect(world.count('POST')).toBe(2)
    session.close()
  })

  it('waits 1, 2, 4, 8, then 15 seconds, for ever, and closes every peer', async () => {
    const { world, session } = setup()
    world.answer = () => Promise.reject(new TypeError('network'))
    session.open()
    await settle()
    for (const wait of [1, 2, 4, 8, 15, 15, 15]) {
      const before = world.count('POST')
      await vi.advanceTimersByTimeAsync(wait * 1000 - 1)
      expect(world.count('POST')).toBe(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(world.count('POST')).toBe(before + 1)
    }
    session.close()
    expect(world.peers.every((peer) => peer.closed)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('honours Retry-After', async () => {
    const { world, session } = setup()
    world.answer = () => new Response(null, { status: 429, headers: { 'Retry-After': '7' } })
    session.open()
    await settle()
    await vi.advanceTimersByTimeAsync(6_999)
    expect(world.count('POST')).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(world.count('POST')).toBe(2)
    session.close()
  })

  it('tries at once when nudged, and only while waiting', async () => {
    const { world, session } = setup()
    world.answer = () => new Response(null, { status: 503 })
    session.open()
    session.nudge()
    await settle()
    expect(world.count('POST')).toBe(1)
    session.nudge()
    await settle()
    expect(world.count('POST')).toBe(2)
    session.close()
  })

  it('does not ask for a camera that is known to be down, but for ever it does not believe it', async () => {
    const world = new FakeWorld()
    let down = true
    const session = new WhepSession({ url: '/w', onState: () => undefined, onStream: () => undefined, hold: () => down }, world)
    session.open()
    await vi.advanceTimersByTimeAsync(HOLD_MS - 1)
    session.nudge()
    await settle()
    expect(world.count('POST')).toBe(0)
    down = false
    session.nudge()
    await settle()
    expect(world.count('POST')).toBe(1)
    session.close()

    down = true
    const other = new WhepSession({ url: '/w', onState: () => undefined, onStream: () => undefined, hold: () => down }, world)
    other.open()
    await vi.advanceTimersByTimeAsync(HOLD_MS)
    expect(world.count('POST')).toBe(2)
    other.close()
  })

  it('opens anew when no path comes up', async () => {
    const { world, session, last } = setup()
    session.open()
    await settle()
    await vi.advanceTimersByTimeAsync(PATH_TIMEOUT_MS)
    expect(last()).toMatchObject({ state: 'waiting', trouble: 'path' })
    expect(world.sessions.size).toBe(0)
    session.close()
  })

  it('mends a lost path by ICE restart and keeps the session', async () => {
    const { world, session, names } = setup()
    session.open()
    await settle()
    const peer = world.last
    peer.become('connected')
    peer.become('disconnected')
    await vi.advanceTimersByTimeAsync(RESTART_AFTER_MS)
    expect(peer.restarts).toBe(1)
    const patch = world.calls.find((call) => call.method === 'PATCH')!
    expect(patch.url).toBe('/api/v1/whep/s1')
    expect(new Headers(patch.init.headers).get('If-Match')).toBe('*')
    expect(String(patch.init.body)).toContain('a=ice-ufrag:offU')
    expect(peer.remoteDescription?.sdp).toContain('a=ice-ufrag:newU')
    expect(peer.remoteDescription?.sdp).toContain('127.0.0.1 9001')
    expect(peer.remoteDescription?.sdp).not.toContain('127.0.0.1 9000')
    peer.become('connected')
    expect(names()).toEqual(['connecting', 'connected', 'restarting', 'connected'])
    expect(world.peers).toHaveLength(1)
    session.close()
  })

  it('leaves a short loss alone', async () => {
    const { world, session } = setup()
    session.open()
    await settle()
    world.last.become('connected')
    world.last.become('disconnected')
    await vi.advanceTimersByTimeAsync(RESTART_AFTER_MS - 1)
    world.last.become('connected')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(world.count('PATCH')).toBe(0)
    session.close()
  })

  it('opens anew when the restart does not help', async () => {
    const { world, session } = setup()
    session.open()
    await settle()
    world.last.become('connected')
    world.last.become('disconnected')
    await vi.advanceTimersByTimeAsync(RESTART_AFTER_MS + RESTART_TIMEOUT_MS + 1_000)
    expect(world.peers).toHaveLength(2)
    expect(world.peers[0]!.closed).toBe(true)
    expect(world.count('DELETE')).toBe(1)
    session.close()
  })

  it('follows no Location to another server', async () => {
    const { world, session, last } = setup()
    world.answer = (call) => call.method === 'POST' ? world.created('http://elsewhere.test/x') : world.ordinary(call)
    session.open()
    await settle()
    expect(last()).toMatchObject({ state: 'waiting', trouble: 'server' })
    session.close()
    expect(world.calls.every((call) => !call.url.includes('elsewhere'))).toBe(true)
  })

  it('leaks no peer, session or timer over hundreds of rounds', async () => {
    const world = new FakeWorld()
    for (let round = 0; round < 300; round++) {
      const session = new WhepSession({ url: '/w', onState: () => undefined, onStream: () => undefined }, world)
      session.open()
      if (round % 3 > 0) await settle()
      if (round % 3 > 1) world.last.become('connected')
      session.close()
    }
    await settle()
    expect(world.sessions.size).toBe(0)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(world.peers.filter((peer) => !peer.closed)).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a session from a spare peer', () => {
  const CAMERA = '/api/v1/cameras/cam000/whep?profile=main'
  const NAMED = `${CAMERA}&session=s1`
  /** Keeps the answer about a camera that was named in a prepared session until it is let go. */
  function keepBack(world: FakeWorld): () => void {
    let respond: () => void = () => undefined
    world.answer = (call) => {
      const answer = world.ordinary(call)
      return call.url === NAMED ? new Promise((resolve) => { respond = () => resolve(answer) }) : answer
    }
    return () => respond()
  }

  async function ready(sound = false) {
    const world = new FakeWorld()
    const spare = world.spares = new Spares(world, 1)
    spare.make()
    await vi.advanceTimersByTimeAsync(300)
    const peer = world.last
    peer.become('connected')
    const states: LinkState[] = []
    const told: Told[] = []
    const receivers: unknown[] = []
    const session = new WhepSession({
      url: CAMERA, sound, onState: (state) => states.push(state), onTold: (what) => told.push(what), onStream: (_, receiver) => receivers.push(receiver),
    }, world)
    const names = () => states.map((state) => state.state)
    return { world, spare, peer, session, states, told, receivers, names, last: () => states.at(-1)! }
  }

  it('names its camera, and that is all', async () => {
    const { world, spare, peer, session, told, receivers, names } = await ready()
    peer.receiver.jitterBufferTarget = null
    const answered = peer.remoteDescription
    session.open()
    expect(receivers).toEqual([peer.receiver]) // the first packets may be here before the answer is
    await settle()
    const { method, url, init } = world.calls.at(-1)!
    expect([method, url, init.body, init.headers]).toEqual(['POST', NAMED, undefined, undefined])
    expect(init.credentials).toBe('same-origin')
    expect(names()).toEqual(['connecting', 'connected'])
    expect(told).toEqual([{ profile: 'main', codec: 'H264', transcoded: false, sound: false }])
    expect(receivers).toHaveLength(1)
    expect(peer.receiver.jitterBufferTarget).toBe(0)
    expect(peer.remoteDescription).toBe(answered)
    expect(world.peers).toHaveLength(1)
    expect(session.peer).toBe(peer)
    session.close()
    spare.drop()
    expect(world.count('DELETE')).toBe(1)
    expect(world.sessions.size).toBe(0)
    expect(peer.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is mended by ICE restart as any other', async () => {
    const { world, peer, session, names } = await ready()
    session.open()
    await settle()
    peer.become('disconnected')
    await vi.advanceTimersByTimeAsync(RESTART_AFTER_MS)
    expect(peer.restarts).toBe(1)
    expect(world.calls.find((call) => call.method === 'PATCH')!.url).toBe('/api/v1/whep/s1')
    expect(peer.remoteDescription?.sdp).toContain('a=ice-ufrag:newU')
    peer.become('connected')
    expect(names()).toEqual(['connecting', 'connected', 'restarting', 'connected'])
    session.close()
  })

  it.each([404, 409])('goes the ordinary way at once after %d', async (status) => {
    const { world, peer, session, names } = await ready()
    if (status === 404) world.sessions.clear()
    else world.shown.add('/api/v1/whep/s1')
    session.open()
    await settle()
    expect(world.calls.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /api/v1/whep', `POST ${NAMED}`, 'DELETE /api/v1/whep/s1', `POST ${CAMERA}`])
    expect(peer.closed).toBe(true)
    world.last.become('connected')
    expect(names()).toEqual(['connecting', 'connected'])
    session.close()
    await settle()
    expect(world.sessions.size).toBe(0)
  })

  it('goes the ordinary way at once when it breaks while the server is asked', async () => {
    const { world, peer, session, names } = await ready()
    const respond = keepBack(world)
    session.open()
    await settle()
    peer.become('disconnected')
    respond()
    await settle()
    expect(peer.closed).toBe(true)
    expect(world.count('DELETE', '/api/v1/whep/s1')).toBe(1)
    expect(world.count('POST', CAMERA)).toBe(1)
    world.last.become('connected')
    expect(names()).toEqual(['connecting', 'connected'])
    session.close()
  })

  it.each([[503, 'no_picture'], [406, 'no_codec'], [500, 'server']])('waits as any other after %d, and its next tries use no spare', async (status, trouble) => {
    const { world, peer, session, last } = await ready()
    world.answer = (call) => call.url.startsWith(CAMERA) ? new Response(null, { status: status as number }) : world.ordinary(call)
    session.open()
    await settle()
    expect(last()).toMatchObject({ state: 'waiting', trouble })
    expect(peer.closed).toBe(true)
    expect(world.sessions.size).toBe(0)
    await vi.advanceTimersByTimeAsync(300)
    const next = world.last
    next.become('connected')
    await vi.advanceTimersByTimeAsync(60_000)
    session.nudge()
    session.reopen()
    await settle()
    expect(world.count('POST', NAMED)).toBe(1)
    expect(world.count('POST', CAMERA)).toBeGreaterThan(3)
    expect(world.count('POST', '/api/v1/whep')).toBe(2)
    expect(next.closed).toBe(false)
    session.close()
  })

  it.each([[401, 'signed_out'], [403, 'forbidden']])('stops for good on %d', async (status, trouble) => {
    const { world, session, last } = await ready()
    world.answer = (call) => call.method === 'POST' ? new Response(null, { status: status as number }) : world.ordinary(call)
    session.open()
    await vi.advanceTimersByTimeAsync(3600_000)
    expect(last()).toEqual({ state: 'refused', trouble })
    expect(world.count('POST')).toBe(3) // the first spare, the camera, and the next spare
    expect(world.sessions.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is deleted once when it is closed while the server is asked', async () => {
    const { world, spare, peer, session, told, names } = await ready()
    const respond = keepBack(world)
    session.open()
    await settle()
    session.close(true)
    expect(world.calls.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/v1/whep/s1', init: { keepalive: true } })
    respond()
    await settle()
    spare.drop()
    expect(world.count('DELETE')).toBe(1)
    expect(names()).toEqual(['connecting'])
    expect(told).toEqual([])
    expect(peer.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is left alone by one with sound', async () => {
    const { world, spare, peer, session } = await ready(true)
    session.open()
    await settle()
    expect(world.count('POST', CAMERA)).toBe(1)
    expect(world.last.kinds).toEqual(['video', 'audio'])
    expect(peer.closed).toBe(false)
    session.close()
    spare.drop()
  })

  it('leaks no peer, session or timer over hundreds of rounds', async () => {
    const { world, spare } = await ready()
    for (let round = 0; round < 300; round++) {
      const session = new WhepSession({ url: CAMERA, onState: () => undefined, onStream: () => undefined }, world)
      session.open()
      if (round % 5 > 0) await settle()
      if (round % 5 > 1) await vi.advanceTimersByTimeAsync(300)
      if (round % 5 > 2) world.last.become('connected')
      if (round % 5 > 3) world.last.become('failed')
      session.close()
    }
    spare.drop()
    await settle()
    expect(world.shown.size).toBeGreaterThan(0)
    expect(world.sessions.size).toBe(0)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(world.peers.filter((peer) => !peer.closed)).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the browser', () => {
  afterEach(() => {
    askWhile(() => true)
    vi.unstubAllGlobals()
  })

  it('is asked for nothing while nobody is signed in', async () => {
    const asked = vi.fn(() => Promise.resolve(new Response()))
    vi.stubGlobal('fetch', asked)
    let signedIn = true
    askWhile(() => signedIn)
    await browser.fetch('/api/v1/whep/1', { method: 'DELETE' })
    signedIn = false
    await expect(browser.fetch('/api/v1/whep/2', { method: 'DELETE' })).rejects.toThrow('signed in')
    expect(asked).toHaveBeenCalledTimes(1)
  })
})
