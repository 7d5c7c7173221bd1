import { expect, it } from 'vitest'
import type { Lane } from './timeline'
import type { TrackState } from './track'
import { clockMs, codecName, length, said } from './words'

const t = (key: string, params?: Record<string, unknown>) => (params ? `${key} ${Object.values(params).join(' ')}` : key)
const T = Date.parse('2026-11-28T10:00:00Z')
const track = (state: TrackState, over: object = {}) => ({ stateAt: () => state, nextAt: () => T + 60_000, codecs: 'avc1.64001f', trouble: null, retryAt: 0, ...over })
const lane: Lane = { camera: 'a', ranges: [{ from: T - 9000, to: T - 5000 }], gaps: [{ from: T - 5000, to: T + 60_000, cause: 'disk' }] }

it('a tile says what is missing, from when to when, and why', () => {
  expect(said(track('ready'), lane, T, 0, t)).toEqual({ state: 'ready', title: '', reason: '', next: '' })
  const gap = said(track('gap'), lane, T, 0, t)
  expect([gap.title, gap.reason]).toEqual(['playback.gap', 'playback.cause.disk'])
  expect(gap.next).toContain('playback.length.min 1 playback.length.s 5')
  expect(said(track('gap'), undefined, T, 0, t).reason).toBe('playback.cause.unknown')
  expect(said(track('gap'), { camera: 'a', ranges: [], gaps: [] }, T, 0, t).state).toBe('nothing')
  expect(said(track('end'), lane, T + 99_000, 0, t).title).toBe('playback.end')
})

it('a tile says what H.265 needs, and when a fault is tried again', () => {
  const strange = said(track('unsupported', { codecs: 'hvc1.1.6.L93.B0' }), lane, T, 0, t)
  expect([strange.title, strange.reason, strange.next]).toEqual(['playback.unsupported H.265', 'playback.h265Why', 'playback.h265Next'])
  const waiting = said(track('loading', { trouble: 'network', retryAt: 4000 }), lane, T, 0, t)
  expect([waiting.title, waiting.next]).toEqual(['playback.trouble.network', 'playback.retryIn playback.length.s 4'])
})

it('lengths and times are told as people say them', () => {
  expect(length(42_400, t)).toBe('playback.length.s 42')
  expect(length(180_000, t)).toBe('playback.length.min 3')
  expect(length(2 * 3600_000 + 5 * 60_000, t)).toBe('playback.length.h 2 playback.length.min 5')
  expect(clockMs(new Date('2026-11-28T18:04:07.04').getTime())).toBe('18:04:07.040')
  expect([codecName('hev1.1'), codecName('avc1.1,mp4a.40.2'), codecName('av01.0')]).toEqual(['H.265', 'H.264', 'av01.0'])
})
