import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Picture } from '../picture/picture'
import { Live, MAX_RETRY_MS, MIN_RETRY_MS } from './live'

class FakeSocket {
  static all: FakeSocket[] = []
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  closed = false
  sent: unknown[] = []
  constructor(readonly url: string) {
    FakeSocket.all.push(this)
  }
  close() {
    this.closed = true
  }
  send(text: string) {
    this.sent.push(JSON.parse(text))
  }
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
  end(code = 1006) {
    this.onclose?.({ code })
  }
  static get last() {
    return FakeSocket.all.at(-1)!
  }
}

const time = () => new Date().toISOString()
const hello = (resumed = false, seq = 10) => ({ type: 'hello', seq, resumed, server_time: time(), tick_s: 5 })
const snapshot = (seq = 10) => ({ type: 'snapshot', part: 1, parts: 1, seq, cameras: [], incidents: [], alerts: [] })
const tick = (seq = 10) => ({ type: 'tick', seq, server_time: time() })

function make(refresh: () => Promise<boolean> = async () => true) {
  const picture = new Picture((run) => run())
  const onSessionEnded = vi.fn()
  const refreshSession = vi.fn(refresh)
  const live = new Live({
    url: 'ws://host/api/v1/live', picture, onSessionEnded, refreshSession, random: () => 0.5,
    WebSocketClass: FakeSocket as unknown as new (url: string) => WebSocket,
  })
  live.open()
  return { live, picture, onSessionEnded, refreshSession }
}
function greet(seq = 10) {
  FakeSocket.last.say(hello(false, seq))
  FakeSocket.last.say(snapshot(seq))
}

let opened: Live[] = []
beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.all = []
  opened = []
})
afterEach(() => {
  opened.forEach((live) => live.close())
  vi.useRealTimers()
})
const start = (refresh?: () => Promise<boolean>) => {
  const made = make(refresh)
  opened.push(made.live)
  return made
}

describe('greeting', () => {
  it('is live with the snapshot, not before', () => {
    const { picture } = start()
    expect(FakeSocket.last.url).toBe('ws://host/api/v1/live')
    FakeSocket.last.say(hello())
    expect(picture.connection.state).toBe('connecting')
    FakeSocket.last.say(snapshot())
    expect(picture.connection.state).toBe('live')
    expect(picture.loaded).toBe(true)
  })

  it('without a snapshot in time is tried again', async () => {
    start()
    FakeSocket.last.say(hello())
    await vi.advanceTimersByTimeAsync(17_000)
    expect(FakeSocket.all[0]!.closed).toBe(true)
    expect(FakeSocket.all.length).toBeGreaterThan(1)
  })

  it('reads the server’s clock', () => {
    const { picture } = start()
    FakeSocket.last.say({ ...hello(), server_time: new Date(Date.now() + 90_000).toISOString() })
    expect(picture.now() - Date.now()).toBe(90_000)
  })
})

describe('resuming', () => {
  it('asks from the last number and keeps the picture', async () => {
    const { picture } = start()
    greet(10)
    FakeSocket.last.say({ type: 'events', items: [{ seq: 17, at: time(), kind: 'places.changed', area_id: '', id: '' }] })
    FakeSocket.last.end()
    expect(picture.connection.state).toBe('offline')
    expect(picture.loaded).toBe(true)
    await vi.advanceTimersByTimeAsync(1100)
    expect(FakeSocket.last.url).toBe('ws://host/api/v1/live?since=17')
    FakeSocket.last.say(hello(true, 17))
    expect(picture.connection.state).toBe('live')
  })

  it('a tick moves the number on', async () => {
    start()
    greet(10)
    FakeSocket.last.say(tick(99))
    FakeSocket.last.end()
    await vi.advanceTimersByTimeAsync(1100)
    expect(FakeSocket.last.url).toContain('since=99')
  })

  it('a server that cannot resume gives all anew', async () => {
    const { picture } = start()
    greet(500)
    FakeSocket.last.end()
    await vi.advanceTimersByTimeAsync(1100)
    greet(3)
    expect(picture.seq).toBe(3)
    expect(picture.connection.state).toBe('live')
  })
})

describe('silence', () => {
  it('is stale after a missed tick and dead after three', async () => {
    const { picture } = start()
    greet()
    await vi.advanceTimersByTimeAsync(9000)
    expect(picture.connection.state).toBe('stale')
    expect(picture.connection.lagMs).toBeGreaterThan(2000)
    await vi.advanceTimersByTimeAsync(6500)
    expect(FakeSocket.all[0]!.closed).toBe(true)
    expect(picture.connection.state).toBe('offline')
  })

  it('broken by a tick is live again, and lag is how late it came', async () => {
    const { picture } = start()
    greet()
    await vi.advanceTimersByTimeAsync(9000)
    FakeSocket.last.say({ ...tick(), server_time: new Date(Date.now() - 2000).toISOString() })
    expect(picture.connection.state).toBe('live')
    expect(picture.connection.lagMs).toBe(2000)
  })

  it('a socket given up is deaf', async () => {
    const { picture } = start()
    greet(10)
    const old = FakeSocket.last
    old.end()
    await vi.advanceTimersByTimeAsync(1100)
    old.say(snapshot(999))
    old.end(4401)
    expect(picture.seq).toBe(10)
  })
})

describe('back-off', () => {
  it('grows with jitter between its bounds, and starts again after a tick', async () => {
    const { picture } = start(async () => true)
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      FakeSocket.last.say(hello())
      FakeSocket.last.end()
      waits.push(picture.connection.nextTryAt! - Date.now())
      await vi.advanceTimersByTimeAsync(MAX_RETRY_MS)
    }
    expect(waits).toEqual([750, 1500, 3000, 6000, 7500, 7500, 7500, 7500])
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(MIN_RETRY_MS)
    greet()
    FakeSocket.last.say(tick())
    FakeSocket.last.end()
    expect(picture.connection.nextTryAt! - Date.now()).toBe(750)
  })

  it('is cut short when the network is back', () => {
    start()
    greet()
    FakeSocket.last.end()
    expect(FakeSocket.all.length).toBe(1)
    window.dispatchEvent(new Event('online'))
    expect(FakeSocket.all.length).toBe(2)
  })
})

describe('closing codes', () => {
  it('4401 ends the session and tries no more', async () => {
    const { onSessionEnded } = start()
    greet()
    FakeSocket.last.end(4401)
    expect(onSessionEnded).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeSocket.all.length).toBe(1)
  })

  it('4403 forgets the picture, asks for the session, begins anew', async () => {
    const { picture, refreshSession } = start()
    greet()
    FakeSocket.last.end(4403)
    expect(picture.loaded).toBe(false)
    await vi.advanceTimersByTimeAsync(1100)
    expect(refreshSession).toHaveBeenCalledOnce()
    expect(FakeSocket.last.url).toBe('ws://host/api/v1/live')
  })

  it('4408 resumes soon', async () => {
    const { refreshSession } = start()
    greet()
    FakeSocket.last.end(4408)
    await vi.advanceTimersByTimeAsync(1100)
    expect(FakeSocket.last.url).toContain('since=10')
    expect(refreshSession).not.toHaveBeenCalled()
  })

  it('a refused upgrade asks whether the session still holds', async () => {
    const { onSessionEnded } = start(async () => false)
    FakeSocket.last.end(1006)
    await vi.advanceTimersByTimeAsync(1100)
    expect(onSessionEnded).toHaveBeenCalledOnce()
    expect(FakeSocket.all.length).toBe(1)
  })

  it('a server out of reach is asked again and again', async () => {
    const { onSessionEnded, refreshSession } = start(async () => { throw new Error('down') })
    FakeSocket.last.end(1006)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(refreshSession.mock.calls.length).toBeGreaterThan(2)
    expect(onSessionEnded).not.toHaveBeenCalled()
  })
})

describe('figures', () => {
  it('are asked for at the greeting, at each change, and of the next socket again', async () => {
    const { picture } = start()
    const wall = {}
    picture.want(wall, ['a', 'b'])
    expect(FakeSocket.last.sent).toEqual([])
    greet()
    expect(FakeSocket.last.sent).toEqual([{ type: 'figures', ids: ['a', 'b'] }])
    FakeSocket.last.say({ type: 'figures', at: time(), items: [{ id: 'a', fps: 25 }, { id: 'x', fps: 1 }] })
    expect([...picture.figures.keys()]).toEqual(['a'])
    picture.want(wall, ['b'])
    expect(FakeSocket.last.sent).toHaveLength(2)
    FakeSocket.last.end()
    await vi.advanceTimersByTimeAsync(1100)
    greet()
    expect(FakeSocket.last.sent).toEqual([{ type: 'figures', ids: ['b'] }])
    picture.want(wall, [])
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'figures', ids: [] })
  })

  it('are asked for of no more cameras than the server answers for', () => {
    const { picture } = start()
    picture.want({}, Array.from({ length: 100 }, (_, n) => `c${n}`))
    greet()
    expect((FakeSocket.last.sent[0] as { ids: string[] }).ids).toHaveLength(64)
  })
})

describe('closing', () => {
  it('ends everything', async () => {
    const { live } = start()
    greet()
    FakeSocket.last.end()
    live.close()
    await vi.advanceTimersByTimeAsync(60_000)
    window.dispatchEvent(new Event('online'))
    expect(FakeSocket.all.length).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('words that are not JSON are a broken connection', async () => {
    const { picture } = start()
    greet()
    FakeSocket.last.onmessage?.({ data: '{"type":' })
    expect(picture.connection.state).toBe('offline')
    await vi.advanceTimersByTimeAsync(1100)
    expect(FakeSocket.all.length).toBe(2)
  })
})
