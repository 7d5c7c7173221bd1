import { describe, expect, it } from 'vitest'
import { codecName, DEGRADED_MS, Meter } from './meter'

const T = 1_000_000
const inbound = (seconds: number, over = {}) => ({ bytesReceived: seconds * 250_000, framesDecoded: seconds * 25, keyFramesDecoded: 1 + Math.floor(seconds / 4), packetsLost: 0, ...over })

describe('the meter', () => {
  it('takes rates over a second', () => {
    const meter = new Meter()
    for (let s = 0; s <= 3; s++) meter.sample(T + s * 1000, inbound(s), 'H264')
    expect(meter.figures).toMatchObject({ kbps: 2000, fps: 25, codec: 'H264', lost: 0, degraded: false })
  })

  it('knows when the newest key frame was decoded', () => {
    const meter = new Meter()
    for (let s = 0; s <= 6; s++) meter.sample(T + s * 1000, inbound(s), '')
    expect(meter.figures!.keyAt).toBe(T + 4000)
  })

  it('calls a picture degraded for a while after a loss, not for ever', () => {
    const meter = new Meter()
    meter.sample(T, inbound(0), '')
    meter.sample(T + 1000, inbound(1, { packetsLost: 3 }), '')
    expect(meter.figures).toMatchObject({ lost: 3, degraded: true })
    meter.sample(T + 1000 + DEGRADED_MS, inbound(11, { packetsLost: 3 }), '')
    expect(meter.figures!.degraded).toBe(false)
  })

  it('begins anew with a new session, whose counters start at nought', () => {
    const meter = new Meter()
    for (let s = 0; s <= 5; s++) meter.sample(T + s * 1000, inbound(s, { packetsLost: 9 }), '')
    meter.sample(T + 20_000, inbound(0), '')
    meter.sample(T + 21_000, inbound(1), '')
    expect(meter.figures).toMatchObject({ kbps: 2000, fps: 25, lost: 0 })
    expect(meter.figures!.keyAt).toBe(T + 20_000)
  })

  it('takes no late packet that is given back for a loss', () => {
    const meter = new Meter()
    meter.sample(T, inbound(0, { packetsLost: 2 }), '')
    meter.sample(T + 20_000, inbound(20, { packetsLost: -1 }), '')
    expect(meter.figures).toMatchObject({ lost: 0, degraded: false })
  })

  it('names codecs', () => {
    expect([codecName('video/H264'), codecName('video/h265'), codecName(undefined)]).toEqual(['H264', 'H265', ''])
  })
})
