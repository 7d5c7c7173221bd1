/** What a tile of a playback says. Pure, given the words. */
import { gapAt, type Lane } from './timeline'
import type { Track, TrackState } from './track'

export type Words = (key: string, params?: Record<string, unknown>) => string

export type ScreenState = TrackState | 'nothing'

export interface Said {
  state: ScreenState
  title: string
  reason: string
  next: string
}

const two = (n: number) => String(n).padStart(2, '0')

/** 2026-11-28 */
export function day(ms: number): string {
  const at = new Date(ms)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** 18:04:07 */
export function clock(ms: number): string {
  const at = new Date(ms)
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** 18:04:07.240 */
export const clockMs = (ms: number) => `${clock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}`

/** A length of time, to the second below an hour: 42 s; 3 min 20 s; 2 h 5 min. */
export function length(ms: number, t: Words): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts = (big: [string, number], small: [string, number]) => {
    const head = t(`playback.length.${big[0]}`, { n: big[1] })
    return small[1] > 0 ? `${head} ${t(`playback.length.${small[0]}`, { n: small[1] })}` : head
  }
  if (seconds < 60) return t('playback.length.s', { n: seconds })
  if (seconds < 3600) return parts(['min', Math.floor(seconds / 60)], ['s', seconds % 60])
  if (seconds < 48 * 3600) return parts(['h', Math.floor(seconds / 3600)], ['min', Math.floor((seconds % 3600) / 60)])
  return parts(['d', Math.floor(seconds / 86400)], ['h', Math.floor((seconds % 86400) / 3600)])
}

/** H.264, H.265, ... of codecs as in a MIME type. */
export function codecName(codecs: string): string {
  if (/^(hvc1|hev1)/.test(codecs)) return 'H.265'
  if (/^avc[13]/.test(codecs)) return 'H.264'
  return codecs.split(',')[0] ?? ''
}

export function said(track: Pick<Track, 'stateAt' | 'nextAt' | 'codecs' | 'trouble' | 'retryAt'>, lane: Lane | undefined, at: number, now: number, t: Words): Said {
  const state: ScreenState = track.stateAt(at)
  const out: Said = { state, title: '', reason: '', next: '' }
  switch (state) {
    case 'ready':
      return out
    case 'loading':
      out.title = t(track.trouble ? `playback.trouble.${track.trouble}` : 'playback.loading')
      if (track.trouble && track.retryAt > now) out.next = t('playback.retryIn', { time: length(track.retryAt - now, t) })
      return out
    case 'gap':
    case 'end': {
      if (lane && lane.ranges.length === 0 && lane.gaps.length === 0) {
        return { state: 'nothing', title: t('playback.nothing'), reason: t('playback.nothingWhy'), next: '' }
      }
      const gap = lane ? gapAt(lane, at) : null
      const until = gap?.to ?? track.nextAt(at)
      if (state === 'end' && !gap) return { ...out, title: t('playback.end'), reason: t('playback.endWhy') }
      out.title = t('playback.gap')
      out.reason = t(`playback.cause.${gap?.cause ?? 'unknown'}`)
      if (gap) out.next = t('playback.gapSpan', { from: clock(gap.from), to: clock(gap.to), time: length(gap.to - gap.from, t) })
      else if (until) out.next = t('playback.gapUntil', { time: clock(until) })
      return out
    }
    case 'unsupported':
      out.title = t('playback.unsupported', { codec: codecName(track.codecs) })
      out.reason = t(codecName(track.codecs) === 'H.265' ? 'playback.h265Why' : 'playback.unsupportedWhy')
      out.next = t('playback.h265Next')
      return out
    case 'refused':
      out.title = t('playback.refused')
      out.reason = t(`playback.trouble.${track.trouble ?? 'forbidden'}`)
      return out
    case 'error':
      out.title = t('playback.error')
      out.reason = t('playback.trouble.decode')
      out.next = t('playback.errorNext')
      return out
  }
}
