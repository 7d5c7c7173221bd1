import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakePeer, FakeWorld } from './fakes'
import { retire, Spare } from './peers'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a spare peer', () => {
  it('is made ahead, taken once, and made again', async () => {
    const world = new FakeWorld()
    const spare = new Spare(world)
    spare.make()
    expect(world.peers).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(300)
    expect(world.peers).toHaveLength(1)
    const first = spare.take(false)
    expect(first.pc).toBe(world.peers[0])
    await first.offered
    expect(first.pc.localDescription?.sdp).toContain('offU')
    expect(spare.take(false).pc).toBe(world.peers[1])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(world.peers).toHaveLength(3)
  })

  it('is silent: one with sound is made when it is asked for', async () => {
    const world = new FakeWorld()
    const spare = new Spare(world)
    spare.make()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(spare.take(true).pc).toBe(world.peers[1])
    expect(world.peers.map((peer) => peer.kinds)).toEqual([['video'], ['video', 'audio']])
    expect(spare.take(false).pc).toBe(world.peers[0])
  })

  it('is not used when it is old', async () => {
    const world = new FakeWorld()
    const spare = new Spare(world)
    spare.make()
    await vi.advanceTimersByTimeAsync(11 * 60_000)
    expect(spare.take(false).pc).toBe(world.peers[1])
    expect(world.peers[0]!.closed).toBe(true)
  })

  it('is closed with the page', async () => {
    const world = new FakeWorld()
    const spare = new Spare(world)
    spare.make()
    await vi.advanceTimersByTimeAsync(1_000)
    spare.make()
    spare.drop()
    spare.drop()
    expect(world.last.closed).toBe(true)
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
