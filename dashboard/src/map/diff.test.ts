import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GeoJSONSourceDiff } from 'maplibre-gl'
import { diffFeatures, Drawn, type Drawable } from './diff'
import { SHOWN, slotOffset, Spots } from './spots'

const point = (lon: number, lat: number, properties: Drawable['properties'] = {}): Drawable =>
  ({ geometry: { type: 'Point', coordinates: [lon, lat] }, properties })

describe('differences of features', () => {
  it('add, change and remove, and say nothing twice', () => {
    const drawn = new Map<string, Drawable>()
    expect(diffFeatures(drawn, [['a', point(1, 2, { look: 'live' })]])).toEqual({
      add: [{ type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: { look: 'live', id: 'a' } }],
    })
    expect(diffFeatures(drawn, [['a', point(1, 2, { look: 'live' })]])).toBeNull()
    expect(diffFeatures(drawn, [['a', point(1, 2, { look: 'stale' })]])).toEqual({
      update: [{ id: 'a', addOrUpdateProperties: [{ key: 'look', value: 'stale' }] }],
    })
    expect(diffFeatures(drawn, [['a', point(1, 3, {})]])).toEqual({
      update: [{ id: 'a', newGeometry: { type: 'Point', coordinates: [1, 3] }, removeProperties: ['look'] }],
    })
    expect(diffFeatures(drawn, [['a', null]])).toEqual({ remove: ['a'] })
    expect(diffFeatures(drawn, [['a', null]])).toBeNull()
  })
  it('see a changed polygon', () => {
    const polygon = (x: number): Drawable => ({ geometry: { type: 'Polygon', coordinates: [[[x, 0], [1, 1], [2, 0], [x, 0]]] }, properties: {} })
    const drawn = new Map([['p', polygon(0)]])
    expect(diffFeatures(drawn, [['p', polygon(0)]])).toBeNull()
    expect(diffFeatures(drawn, [['p', polygon(1)]])?.update).toHaveLength(1)
  })
})

describe('drawing', () => {
  let frames: (() => void)[] = []
  const frame = (run: () => void) => {
    frames.push(run)
    return () => { frames = frames.filter((one) => one !== run) }
  }
  const tick = async () => {
    const due = frames
    frames = []
    due.forEach((run) => run())
    await Promise.resolve()
    await Promise.resolve()
  }
  function setup(everyMs = 0) {
    const items = new Map<string, Drawable>()
    const sent: GeoJSONSourceDiff[] = []
    let release: () => void = () => undefined
    const drawn = new Drawn({
      target: { updateData: (diff) => { sent.push(diff); return new Promise((resolve) => { release = resolve }) } },
      ids: () => items.keys(), build: (id) => items.get(id) ?? null, frame, everyMs,
    })
    return { items, sent, drawn, done: async () => { release(); await Promise.resolve(); await Promise.resolve() } }
  }
  beforeEach(() => { frames = [] })
  afterEach(() => void vi.useRealTimers())

  it('gathers what changes into one sending a frame, and waits for the worker', async () => {
    const { items, sent, drawn, done } = setup()
    for (let i = 0; i < 100; i++) {
      items.set(`c${i}`, point(i, 0))
      drawn.touch([`c${i}`])
    }
    expect(frames).toHaveLength(1)
    await tick()
    expect(sent).toHaveLength(1)
    expect(sent[0]!.add).toHaveLength(100)
    items.delete('c3')
    drawn.touch(['c3'])
    items.set('c4', point(4, 1))
    drawn.touch(['c4'])
    await tick()
    expect(sent).toHaveLength(1)
    await done()
    await tick()
    expect(sent[1]).toMatchObject({ remove: ['c3'], update: [{ id: 'c4' }] })
  })

  it('removes what is gone when told that all may have changed', async () => {
    const { items, sent, drawn, done } = setup()
    items.set('a', point(0, 0)).set('b', point(1, 1))
    drawn.touch(null)
    await tick()
    await done()
    items.delete('a')
    drawn.touch(null)
    await tick()
    expect(sent[1]).toEqual({ remove: ['a'] })
  })

  it('sends nothing after its end', async () => {
    const { items, sent, drawn } = setup()
    items.set('a', point(0, 0))
    drawn.touch(null)
    drawn.end()
    await tick()
    expect(sent).toHaveLength(0)
  })
})

describe('items on one spot', () => {
  it('get places of their own, cameras first, then the newest', () => {
    const told = new Set<string>()
    const spots = new Spots((kind, id) => told.add(`${kind}:${id}`))
    spots.place('camera', 'c', 118.9, 31.9, -Infinity)
    expect(spots.slot('camera', 'c')).toBe('1:0')
    spots.place('alert', 'old', 118.9, 31.9, -100)
    spots.place('alert', 'new', 118.900001, 31.9, -200)
    expect([spots.slot('camera', 'c'), spots.slot('alert', 'new'), spots.slot('alert', 'old')]).toEqual(['3:0', '3:1', '3:2'])
    expect(told).toEqual(new Set(['camera:c', 'alert:old', 'alert:new']))
    spots.remove('alert', 'old')
    spots.remove('alert', 'old')
    expect(spots.slot('alert', 'new')).toBe('2:1')
    spots.place('alert', 'new', 118.91, 31.9, -200)
    expect([spots.slot('camera', 'c'), spots.slot('alert', 'new')]).toEqual(['1:0', '1:0'])
  })

  it('change a bounded number of symbols however many they are', () => {
    let told = 0
    const spots = new Spots(() => told++)
    for (let i = 0; i < 500; i++) spots.place('alert', `a${i}`, 1, 1, -i)
    told = 0
    spots.place('alert', 'one more', 1, 1, -1000)
    expect(told).toBeLessThanOrEqual(SHOWN + 1)
    expect(spots.slot('alert', 'a0')).toBe(`${SHOWN}:${SHOWN - 1}`)
    expect(spots.together('alert', 'a7')).toHaveLength(501)
  })

  it('stand apart by more than half a symbol', () => {
    for (let n = 2; n <= SHOWN; n++) {
      const places = Array.from({ length: n }, (_, i) => slotOffset(n, i))
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) expect(Math.hypot(places[i]![0] - places[j]![0], places[i]![1] - places[j]![1])).toBeGreaterThan(18)
      }
    }
  })
})
