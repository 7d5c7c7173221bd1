import { describe, expect, it } from 'vitest'
import { aroundReport, typedOf, windowOf } from './window'

const at = new Date('2026-11-28T18:04:00').getTime()

describe('a window', () => {
  it('lies around the report, and ends before now', () => {
    const iso = new Date(at).toISOString()
    expect(aroundReport(iso, at + 3600_000)).toEqual({ from: at - 180_000, to: at + 120_000 })
    const fresh = aroundReport(iso, at + 10_500)
    expect(fresh).toEqual({ from: at - 180_000, to: at + 8_000 })
    expect(aroundReport(iso, at - 600_000).to).toBeGreaterThan(aroundReport(iso, at - 600_000).from)
  })

  it('is read as it was written', () => {
    expect(windowOf(typedOf(at), typedOf(at + 60_000), 0)).toEqual({ from: at, to: at + 60_000 })
    expect(windowOf('18:04', '18:07', at)).toEqual({ from: at, to: at + 180_000 })
    for (const [from, to] of [['18:07', '18:04'], ['18:04', '18:04'], ['10:00', '14:01'], ['x', '18:00']]) expect(windowOf(from!, to!, at)).toBeNull()
  })
})
