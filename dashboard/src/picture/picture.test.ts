import { describe, expect, it, vi } from 'vitest'
import type { Alert, Camera, CameraFigures, Incident, LiveEvent, SnapshotFrame, Status } from '../api/types'
import { KEEP_MS, LIMIT, Picture, type Topic } from './picture'

const camera = (id: string) => ({ id, name: id, enabled: true }) as Camera
const incident = (id: string, ageMs = 0) => ({ id, received_at: new Date(Date.now() - ageMs).toISOString() }) as Incident
const alert = (id: string, count = 1) => ({ id, count, last_at: new Date().toISOString() }) as Alert
const snapshot = (more: Partial<SnapshotFrame> = {}): SnapshotFrame =>
  ({ type: 'snapshot', part: 1, parts: 1, seq: 10, cameras: [], incidents: [], alerts: [], ...more })
const created = (seq: number, id: string): LiveEvent =>
  ({ seq, at: '', area_id: '', id, kind: 'incident.created', data: incident(id) })

/** A picture whose frames come when the test says so. */
function make() {
  const frames: (() => void)[] = []
  const picture = new Picture((run) => frames.push(run))
  const told: [Topic, string[] | null][] = []
  for (const topic of ['cameras', 'incidents', 'alerts', 'status', 'places', 'connection'] as const) {
    picture.on(topic, (ids) => told.push([topic, ids && [...ids]]))
  }
  const flush = () => {
    frames.splice(0).forEach((run) => run())
    return told.splice(0)
  }
  return { picture, frames, flush }
}

describe('a snapshot', () => {
  it('replaces everything and tells every topic once', () => {
    const { picture, flush } = make()
    picture.applySnapshot(snapshot({ cameras: [camera('a')], incidents: [incident('i')], alerts: [alert('x')] }))
    expect(flush()).toEqual([['cameras', null], ['incidents', null], ['alerts', null], ['status', null]])
    picture.applySnapshot(snapshot({ seq: 20, cameras: [camera('b')] }))
    expect([...picture.cameras.keys()]).toEqual(['b'])
    expect(picture.incidents.size).toBe(0)
    expect(picture.seq).toBe(20)
  })

  it('in parts becomes visible whole', () => {
    const { picture } = make()
    picture.applySnapshot(snapshot({ parts: 3, cameras: [camera('a')] }))
    picture.applySnapshot(snapshot({ part: 2, parts: 3, cameras: [camera('b')] }))
    expect(picture.cameras.size).toBe(0)
    expect(picture.loaded).toBe(false)
    picture.applySnapshot(snapshot({ part: 3, parts: 3, cameras: [camera('c')] }))
    expect(picture.cameras.size).toBe(3)
    expect(picture.loaded).toBe(true)
  })

  it('with a part missing is not taken', () => {
    const { picture } = make()
    picture.applySnapshot(snapshot({ parts: 3, cameras: [camera('a')] }))
    picture.applySnapshot(snapshot({ part: 3, parts: 3, cameras: [camera('c')] }))
    expect(picture.loaded).toBe(false)
  })

  it('begun anew forgets the parts of the former', () => {
    const { picture } = make()
    picture.applySnapshot(snapshot({ parts: 2, cameras: [camera('old')] }))
    picture.applySnapshot(snapshot({ parts: 2, cameras: [camera('a')] }))
    picture.applySnapshot(snapshot({ part: 2, parts: 2, cameras: [camera('b')] }))
    expect([...picture.cameras.keys()]).toEqual(['a', 'b'])
  })

  it('takes null for an empty list', () => {
    const { picture } = make()
    picture.applySnapshot(snapshot({ cameras: null, incidents: null, alerts: null }))
    expect(picture.loaded).toBe(true)
  })
})

describe('events', () => {
  it('are applied once, in order, and old ones ignored', () => {
    const { picture, flush } = make()
    picture.applySnapshot(snapshot())
    flush()
    picture.applyEvents([created(11, 'i1'), created(14, 'i2')])
    expect(flush()).toEqual([['incidents', ['i1', 'i2']]])
    picture.applyEvents([created(11, 'i1'), created(14, 'i2')])
    expect(flush()).toEqual([])
    expect(picture.seq).toBe(14)
  })

  it('of one frame are told together', () => {
    const { picture, frames, flush } = make()
    for (let seq = 11; seq < 211; seq++) picture.applyEvents([created(seq, `i${seq}`)])
    expect(frames.length).toBe(1)
    const told = flush()
    expect(told.length).toBe(1)
    expect(told[0]![1]!.length).toBe(200)
  })

  it('save and remove cameras with their states, and tell of changed places', () => {
    const { picture, flush } = make()
    picture.applyEvents([{ seq: 1, at: '', area_id: '', id: 'a', kind: 'camera.saved', data: camera('a') }])
    picture.applyStatus([{ id: 'a', state: 'live', reason: '', since: '' }])
    picture.applyEvents([
      { seq: 2, at: '', area_id: '', id: 'a', kind: 'camera.removed' },
      { seq: 3, at: '', area_id: '', id: '', kind: 'places.changed' },
    ])
    expect(picture.cameras.size).toBe(0)
    expect(picture.status.size).toBe(0)
    expect(flush().map(([topic]) => topic)).toEqual(['cameras', 'status', 'places'])
  })

  it('a repeated alarm replaces the former state of it', () => {
    const { picture } = make()
    picture.applyEvents([{ seq: 1, at: '', area_id: '', id: 'x', kind: 'alert.raised', data: alert('x') }])
    picture.applyEvents([{ seq: 2, at: '', area_id: '', id: 'x', kind: 'alert.repeated', data: alert('x', 5) }])
    expect(picture.alerts.get('x')!.count).toBe(5)
  })
})

describe('status', () => {
  it('unchanged tells nobody', () => {
    const { picture, flush } = make()
    const status: Status = { id: 'a', state: 'live', reason: '', since: 't', fps: 25 }
    picture.applyStatus([status])
    expect(flush()).toEqual([['status', ['a']]])
    picture.applyStatus([{ ...status }])
    expect(flush()).toEqual([])
    picture.applyStatus([{ id: 'a', state: 'live', reason: '', since: 't' }])
    expect(flush()).toEqual([['status', ['a']]])
  })
})

describe('bounds', () => {
  it('keep the newest of too many, and drop and tell the old', () => {
    const { picture, flush } = make()
    const many = Array.from({ length: LIMIT + 50 }, (_, i) => incident(`i${i}`, i * 1000))
    picture.applySnapshot(snapshot({ incidents: [...many, incident('ancient', KEEP_MS + 1000)] }))
    expect(picture.incidents.size).toBe(LIMIT)
    expect(picture.incidents.has('i0')).toBe(true)
    expect(picture.incidents.has('ancient')).toBe(false)
    flush()
    picture.applyEvents([created(11, 'new')])
    expect(picture.incidents.size).toBe(LIMIT)
    expect(flush()).toEqual([['incidents', ['new', `i${LIMIT - 1}`]]])
  })
})

describe('a storm', () => {
  it('does not wash away what is critical or reported directly', () => {
    const { picture } = make()
    const old = new Date(Date.now() - 3600_000).toISOString()
    picture.applySnapshot(snapshot({
      incidents: [{ id: 'direct', direct: true, severity: 'low', received_at: old } as Incident],
      alerts: [{ id: 'fire', severity: 'critical', last_at: old } as Alert, { id: 'dust', severity: 'low', last_at: old } as Alert],
    }))
    const storm = Array.from({ length: LIMIT + 100 }, (_, i): LiveEvent =>
      ({ seq: 11 + i, at: '', area_id: '', id: `x${i}`, kind: 'alert.raised', data: alert(`x${i}`) }))
    picture.applyEvents(storm)
    expect(picture.alerts.size).toBe(LIMIT)
    expect(picture.alerts.has('fire')).toBe(true)
    expect(picture.alerts.has('dust')).toBe(false)
    expect(picture.incidents.has('direct')).toBe(true)
  })
})

describe('listeners and the clock', () => {
  it('end when told to, also from inside a telling', () => {
    const { picture, flush } = make()
    let calls = 0
    const off = picture.on('cameras', () => {
      calls++
      off()
    })
    picture.applySnapshot(snapshot())
    flush()
    picture.applySnapshot(snapshot({ seq: 11 }))
    flush()
    expect(calls).toBe(1)
  })

  it('now is the server’s', () => {
    const { picture } = make()
    picture.setClockOffset(60_000)
    expect(picture.now() - Date.now()).toBeGreaterThan(59_000)
  })

  it('a tick moves the resume point on, never back, never before a snapshot', () => {
    const { picture } = make()
    picture.advance(7)
    expect(picture.seq).toBe(0)
    picture.applySnapshot(snapshot())
    picture.advance(12)
    picture.advance(11)
    expect(picture.seq).toBe(12)
  })

  it('clear forgets all', () => {
    const { picture, flush } = make()
    picture.applySnapshot(snapshot({ cameras: [camera('a')] }))
    flush()
    picture.clear()
    expect([picture.cameras.size, picture.seq, picture.loaded]).toEqual([0, 0, false])
    expect(flush().length).toBe(5)
  })

  it('keeps figures only of cameras that somebody wants, and knows those of the second before', () => {
    const picture = new Picture((run) => run())
    const told = vi.fn()
    picture.on('wanted', told)
    const [wall, other] = [{}, {}]
    picture.want(wall, ['a', 'b'])
    picture.want(wall, ['a', 'b'])
    picture.want(other, ['b', 'c'])
    expect(told).toHaveBeenCalledTimes(2)
    expect(picture.wanted()).toEqual(['a', 'b', 'c'])
    const figures = (id: string, lost = 0) => ({ id, lost }) as CameraFigures
    picture.applyFigures([figures('a'), figures('x')])
    picture.applyFigures([figures('a', 3)])
    expect([...picture.figures.keys()]).toEqual(['a'])
    expect(picture.figures.get('a')).toMatchObject({ figures: { lost: 3 }, before: { lost: 0 } })
    picture.want(wall, [])
    expect(picture.figures.size).toBe(0)
    expect(picture.wanted()).toEqual(['b', 'c'])
  })
})
