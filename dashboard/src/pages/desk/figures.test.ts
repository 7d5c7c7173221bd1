import { describe, expect, it } from 'vitest'
import type { Alert, Camera, CameraState, Incident, Status } from '../../api/types'
import { figuresOf, share } from './figures'

const now = new Date(2026, 10, 23, 14, 0).getTime()
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString()

describe('figures', () => {
  it('count what an officer would count', () => {
    const cameras = new Map(['a', 'b', 'c', 'd', 'e'].map((id) => [id, { id, enabled: id !== 'e' } as Camera]))
    const status = new Map(([['a', 'live'], ['b', 'idle'], ['c', 'refused']] as [string, CameraState][]).map(([id, state]) => [id, { id, state } as Status]))
    const incidents = new Map([
      ['1', { id: '1', received_at: ago(10), direct: true } as Incident],
      ['2', { id: '2', received_at: ago(30), direct: false } as Incident],
      ['3', { id: '3', received_at: ago(15 * 60), direct: true } as Incident], // yesterday
    ])
    const alerts = new Map([['x', { id: 'x', last_at: ago(59) } as Alert], ['y', { id: 'y', last_at: ago(61) } as Alert]])
    expect(figuresOf({ cameras, status, incidents, alerts }, now)).toEqual({ cameras: 4, usable: 2, today: 2, direct: 1, alarms: 1 })
  })

  it('never round up to a hundred', () => {
    expect(share(1999, 2000)).toBe('99.9%')
    expect(share(24, 24)).toBe('100%')
    expect(share(0, 0)).toBe('–')
  })
})
