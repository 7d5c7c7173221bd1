import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ANSWER, FakePeer, FakeWorld } from './fakes'
import { FRESH_MS, retire, Spares } from './peers'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const NEXT = 300
const GATHER = 1_000
const settle = () => vi.advanceTimersByTimeAsync(0)

function setup() {
  const world = new FakeWorld()
  const spare = new Spares(world, 1)
  const posts = () => world.count('POST', '/api/v1/whep')
  const made = async () => {
    spare.make()
    await vi.advanceTimersByTimeAsync(NEXT)
    return world.last
  }
  const ready = async () => {
    const peer = await made()
    peer.become('connected')
    return peer
  }
  return { world, spare, posts, made, ready }
}

describe('a spare peer', () => {
  it('is connected ahead in a session without a camera, taken once, and made again', async () => {
    const { world, spare, made } = setup()
    spare.make()
    expect(world.peers).toHaveLength(0)
    const peer = await made()
    expect(world.calls).toMatchObject([{ method: 'POST', url: '/api/v1/whep', init: { body: peer.localDescription!.sdp, credentials: 'same-origin' } }])
    expect(new Headers(world.calls[0]!.init.headers).get('Content-Type')).toBe('application/sdp')
    expect(peer.remoteDescription?.sdp).toContain('ansU')
    peer.become('connected')
    const taken = spare.take(false)
    expect(taken).toMatchObject({ pc: peer, session: { place: '/api/v1/whep/s1', etag: '"e1"' } })
    const other = spare.take(false)
    expect(other.pc).toBe(world.peers[1])
    expect(other.session).toBeUndefined()
    await vi.advanceTimersByTimeAsync(NEXT)
    expect(world.peers).toHaveLength(3)
    expect(peer.closed).toBe(false)
    expect(world.count('DELETE')).toBe(0)
  })

  it('is taken with its offer where the server has not been asked', async () => {
    const { world, spare, posts } = setup()
    world.gathers = false
    spare.make()
    await vi.advanceTimersByTimeAsync(NEXT)
    const taken = spare.take(false)
    expect(taken.pc).toBe(world.peers[0])
    expect(taken.pc.localDescription?.sdp).toContain('offU')
    expect(taken.session).toBeUndefined()
    world.peers[0]!.gather('complete')
    await settle()
    expect(posts()).toBe(0)
  })

  it('does not wait long for its addresses, and asks once', async () => {
    const { world, spare, posts } = setup()
    world.gathers = false
    spare.make()
    await vi.advanceTimersByTimeAsync(NEXT + GATHER - 1)
    expect(posts()).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    world.last.gather('complete')
    await settle()
    expect(posts()).toBe(1)
    spare.drop()
  })

  it('is left for the next click while it is being connected', async () => {
    const { world, spare, made } = setup()
    const peer = await made()
    expect(spare.take(false).pc).toBe(world.peers[1])
    peer.become('connecting')
    expect(spare.take(false).pc).toBe(world.peers[2])
    peer.become('connected')
    expect(spare.take(false).pc).toBe(peer)
    expect(world.sessions.size).toBe(1)
  })

  it('is silent: one with sound is made when it is asked for', async () => {
    const { world, spare, ready } = setup()
    const peer = await ready()
    expect(spare.take(true).pc).toBe(world.peers[1])
    expect(world.peers.map((one) => one.kinds)).toEqual([['video'], ['video', 'audio']])
    expect(spare.take(false).pc).toBe(peer)
  })

  it('is made anew when it is old', async () => {
    const { world, spare, ready } = setup()
    const peer = await ready()
    await vi.advanceTimersByTimeAsync(FRESH_MS + NEXT)
    expect(peer.closed).toBe(true)
    expect(world.peers).toHaveLength(2)
    expect([...world.sessions]).toEqual(['/api/v1/whep/s2'])
    spare.drop()
  })

  it('is not used by a machine that slept', async () => {
    const { world, spare, ready } = setup()
    const peer = await ready()
    vi.setSystemTime(Date.now() + FRESH_MS + 1)
    expect(spare.take(false).pc).toBe(world.peers[1])
    expect(peer.closed).toBe(true)
    expect(world.sessions.size).toBe(0)
  })

  it('is put away with its session, and leaves no timer', async () => {
    for (const state of ['new', 'connected']) {
      const { world, spare, made } = setup()
      const peer = await made()
      peer.become(state)
      spare.make()
      spare.drop()
      spare.drop()
      expect(peer.closed).toBe(true)
      expect(world.count('DELETE')).toBe(1)
      expect(world.calls.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/v1/whep/s1', init: { keepalive: true } })
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('ends a session whose answer comes after it was put away', async () => {
    const { world, spare, made } = setup()
    let respond: (response: Response) => void = () => undefined
    world.answer = (call) => call.method === 'POST' ? new Promise((resolve) => { respond = resolve }) : world.ordinary(call)
    const peer = await made()
    expect(spare.take(false).pc).not.toBe(peer)
    spare.drop()
    expect(world.count('DELETE')).toBe(0)
    respond(world.created('/api/v1/whep/late'))
    await settle()
    expect(world.calls.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/v1/whep/late', init: { keepalive: true } })
    expect(peer.remoteDescription).toBeNull()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(['disconnected', 'failed', 'closed'])('is put away and made again when it is %s, ever more seldom', async (state) => {
    const { world, spare, ready } = setup()
    await ready()
    for (const wait of [1, 2, 4, 8, 15, 15]) {
      const before = world.peers.length
      const lost = world.last
      lost.become(state)
      expect(lost.closed).toBe(true)
      expect(world.sessions.size).toBe(0)
      spare.take(false) // does not shorten the wait
      spare.make()
      await vi.advanceTimersByTimeAsync(wait * 1000 - 1)
      expect(world.peers).toHaveLength(before + 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(world.peers).toHaveLength(before + 2)
      world.last.become('connected')
    }
    // One that was of use: short waits again.
    spare.take(false)
    await vi.advanceTimersByTimeAsync(NEXT)
    const { length } = world.peers
    world.last.become(state)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(world.peers).toHaveLength(length + 1)
    spare.drop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is put away when it does not get connected', async () => {
    const { world, spare, made } = setup()
    const peer = await made()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(peer.closed).toBe(true)
    expect(world.sessions.size).toBe(0)
    spare.drop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['has no room', () => new Response(null, { status: 503 })],
    ['is not there', () => Promise.reject(new TypeError('network'))],
    ['answers from elsewhere', () => new Response(ANSWER, { status: 201, headers: { Location: 'http://elsewhere.test/x' } })],
  ])('is tried again, not often, while the server %s', async (_, answer) => {
    const { world, spare, posts, made } = setup()
    world.answer = answer
    await made()
    await vi.advanceTimersByTimeAsync(59_000)
    expect(posts()).toBe(7) // after 1, 2, 4, 8, 15, 15 s
    spare.drop()
    expect(world.peers.every((peer) => peer.closed)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('honours Retry-After', async () => {
    const { world, spare, posts, made } = setup()
    world.answer = () => new Response(null, { status: 429, headers: { 'Retry-After': '7' } })
    await made()
    await vi.advanceTimersByTimeAsync(6_999)
    expect(posts()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(posts()).toBe(2)
    spare.drop()
  })

  it.each([401, 403])('is not made again after %d until one is asked for', async (status) => {
    const { world, spare, posts, made } = setup()
    world.answer = () => new Response(null, { status })
    const peer = await made()
    expect(peer.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(3600_000)
    expect(posts()).toBe(1)
    spare.take(false)
    await vi.advanceTimersByTimeAsync(3600_000)
    expect(posts()).toBe(2)
  })
})

describe('spare peers', () => {
  async function four() {
    const world = new FakeWorld()
    const spares = new Spares(world)
    spares.make()
    for (let n = 1; n <= 4; n++) {
      await vi.advanceTimersByTimeAsync(NEXT)
      expect(world.peers).toHaveLength(n) // one after the other
      await vi.advanceTimersByTimeAsync(NEXT)
      expect(world.peers).toHaveLength(n)
      world.last.become('connected')
    }
    await vi.advanceTimersByTimeAsync(10 * NEXT)
    expect(world.peers).toHaveLength(4)
    return { world, spares, peers: [...world.peers] }
  }
  const open = (peers: FakePeer[]) => peers.map((peer) => !peer.closed)

  it('are as many as a picked alarm opens, and are taken at once', async () => {
    const { world, spares, peers } = await four()
    expect(peers.map(() => spares.take(false).pc)).toEqual(peers)
    expect(spares.take(false).pc).toBe(world.peers[4])
    await vi.advanceTimersByTimeAsync(NEXT)
    expect(world.peers).toHaveLength(6)
    expect(open(world.peers)).not.toContain(false)
    spares.drop()
  })

  it('are lost one by one', async () => {
    const { world, spares, peers } = await four()
    peers[1]!.become('disconnected')
    expect(open(peers)).toEqual([true, false, true, true])
    expect(world.sessions.size).toBe(3)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(world.peers).toHaveLength(5)
    world.last.become('connected')
    expect(spares.take(false).pc).toBe(peers[0])
    expect(spares.take(false).pc).toBe(peers[2])
    spares.drop()
  })

  it('are waited for once where all are lost', async () => {
    const { world, spares, peers } = await four()
    for (const peer of peers) peer.become('failed')
    expect(open(peers)).not.toContain(true)
    await vi.advanceTimersByTimeAsync(999)
    expect(world.peers).toHaveLength(4)
    await vi.advanceTimersByTimeAsync(1)
    expect(world.peers).toHaveLength(5)
    spares.drop()
  })

  it('are put away when they are old, the others later', async () => {
    const { world, spares, peers } = await four()
    await vi.advanceTimersByTimeAsync(FRESH_MS - 15 * NEXT)
    expect(open(peers)).toEqual([false, true, true, true])
    expect(spares.take(false).pc).toBe(peers[1])
    spares.drop()
    expect(open(world.peers.slice(2))).not.toContain(true)
    expect(world.sessions.size).toBe(1) // the taken one's
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a peer that is put away', () => {
  const put = (state: string) => {
    const peer = new FakePeer()
    peer.iceGatheringState = state
    peer.onconnectionstatechange = peer.ontrack = () => { throw new Error('told after its end') }
    retire(peer as unknown as RTCPeerConnection)
    return peer
  }
  it('is closed at once where it has gathered', () => {
    const peer = put('complete')
    expect(peer.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
  it('is closed when it has gathered, and not within that event', async () => {
    const peer = put('new')
    for (const state of ['gathering', 'complete']) {
      peer.iceGatheringState = state
      peer.onicegatheringstatechange?.()
      expect(peer.closed).toBe(false)
    }
    await vi.advanceTimersByTimeAsync(0)
    expect(peer.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
  it('is closed in the end', async () => {
    const peer = put('gathering')
    peer.become('connected')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(peer.closed).toBe(true)
  })
})
