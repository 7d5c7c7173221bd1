import { describe, expect, it } from 'vitest'
import type { Alert, Incident, Severity } from '../../api/types'
import { queueOf, stepFrom } from './queue'

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 6, minute)).toISOString()
const incident = (id: string, severity: Severity, minute: number, direct = false) =>
  ({ id, severity, direct, received_at: at(minute) }) as Incident
const alert = (id: string, severity: Severity, minute: number) => ({ id, severity, first_at: at(0), last_at: at(minute) }) as Alert
const byId = <T extends { id: string }>(...items: T[]) => new Map(items.map((item) => [item.id, item]))

const picture = {
  incidents: byId(incident('low', 'low', 50), incident('direct-low', 'low', 1, true), incident('high', 'high', 10), incident('high-new', 'high', 20)),
  alerts: byId(alert('critical', 'critical', 5), alert('high-mid', 'high', 15)),
}

describe('the queue', () => {
  it('puts direct reports first, then the gravest, then the newest, of both kinds', () => {
    expect(queueOf(picture, 'all').map((item) => item.id)).toEqual(['direct-low', 'critical', 'high-new', 'high-mid', 'high', 'low'])
  })

  it('shows one kind by tab', () => {
    expect(queueOf(picture, 'alerts').map((item) => item.id)).toEqual(['critical', 'high-mid'])
    expect(queueOf(picture, 'incidents')).toHaveLength(4)
  })

  it('keeps equals in one order', () => {
    const twins = { incidents: byId(incident('b', 'low', 1), incident('a', 'low', 1)), alerts: byId<Alert>() }
    expect(queueOf(twins, 'all').map((item) => item.id)).toEqual(['a', 'b'])
  })

  it('an alarm and an incident of the same id stay two', () => {
    const same = { incidents: byId(incident('x', 'low', 1)), alerts: byId(alert('x', 'low', 1)) }
    expect(new Set(queueOf(same, 'all').map((item) => item.key)).size).toBe(2)
  })

  it('is walked from the first to the last and stops there', () => {
    const items = queueOf(picture, 'all')
    expect(stepFrom(items, null, 1)?.id).toBe('direct-low')
    expect(stepFrom(items, items[0]!.key, -1)?.id).toBe('direct-low')
    expect(stepFrom(items, items[0]!.key, 1)?.id).toBe('critical')
    expect(stepFrom(items, items[0]!.key, Infinity)?.id).toBe('low')
    expect(stepFrom(items, 'gone', 1)?.id).toBe('direct-low')
    expect(stepFrom([], null, 1)).toBeUndefined()
  })
})
