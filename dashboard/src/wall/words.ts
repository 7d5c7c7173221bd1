/** What a tile says: from states and times to sentences. Pure, given the words and the time. */
import type { Camera, Status } from '../api/types'
import type { PlayerView } from './player'

export type Words = (key: string, params?: Record<string, unknown>) => string

export type TileState = 'empty' | 'connecting' | 'waiting' | 'live' | 'stale' | 'offline' | 'refused'

export interface TileWords {
  state: TileState
  /** The word beside the dot's shape. */
  label: string
  /** In the middle of a tile that is not live: what is, why, what happens next. */
  title: string
  reason: string
  next: string
}

const DEAD = new Set(['refused', 'unreachable', 'silent', 'disabled'])
/** A standing picture of a camera known to be dead is kept this long, then the words take the tile. */
export const KEEP_PICTURE_MS = 10_000

/** Null while nothing is known. */
export function cameraLive(status: Status | undefined): boolean | null {
  if (!status) return null
  if (DEAD.has(status.state)) return false
  return status.state === 'live' ? true : null
}

/** Whether frames can be expected now: not while the gateway is still reaching for the camera. */
export function cameraGiving(status: Status | undefined): boolean | null {
  return status?.state === 'connecting' ? false : cameraLive(status)
}

/**
 * Frames of a camera that is said to be dead: for a moment they may be the last ones, kept by the
 * gateway and sent again to a new viewer. Only those that keep coming are believed.
 */
const BELIEVED_AFTER_MS = 2_500

export function tileState(view: PlayerView, status: Status | undefined, now: number): TileState {
  if (view.state === 'refused') return 'refused'
  const dead = cameraLive(status) === false
  if (view.state === 'live') return dead && view.flowingMs < BELIEVED_AFTER_MS ? 'stale' : 'live'
  if (view.state === 'stale') return dead && now - view.lastAt > KEEP_PICTURE_MS ? 'offline' : 'stale'
  return dead ? 'offline' : view.state
}

/** now: this machine's clock; serverNow: the server's, for the times in a status. */
export function tileWords(
  camera: Camera | undefined, view: PlayerView, status: Status | undefined, now: number, serverNow: number, t: Words,
): TileWords {
  const state = tileState(view, status, now)
  const words: TileWords = { state, label: t(`wall.state.${state}`), title: '', reason: '', next: '' }
  switch (state) {
    case 'live':
    case 'empty':
      return words
    case 'connecting':
      words.title = t('wall.connecting')
      return words
    case 'waiting':
      words.title = t('wall.waiting_key')
      words.reason = t('wall.waiting_since', { time: span(now - view.since, t) })
      return words
    case 'refused':
      words.title = t(view.trouble === 'signed_out' ? 'wall.signed_out' : 'wall.forbidden')
      words.reason = t(view.trouble === 'signed_out' ? 'wall.signed_out_next' : 'wall.forbidden_next')
      return words
    case 'stale':
      words.title = t('wall.stands_at', { time: clock(view.lastAt) })
      words.reason = cameraLive(status) === false ? reasonOf(status!, t) : t('wall.stale_waiting')
      words.next = cameraLive(status) === false ? nextOf(status!, serverNow, t) : t('wall.recovering')
      return words
    case 'offline':
      return offline(words, camera, view, status, now, serverNow, t)
  }
}

function offline(
  words: TileWords, camera: Camera | undefined, view: PlayerView, status: Status | undefined, now: number, serverNow: number, t: Words,
): TileWords {
  if (status && cameraLive(status) === false) {
    const since = Date.parse(status.last_frame_at ?? status.since) || Date.parse(status.since)
    words.title = status.state === 'disabled'
      ? t('wall.disabled')
      : t('wall.offline_for', { time: span(serverNow - since, t), at: clock(since) })
    words.reason = reasonOf(status, t)
    words.next = nextOf(status, serverNow, t)
    return words
  }
  words.title = t('wall.offline_for', { time: span(now - view.since, t), at: clock(view.since) })
  words.reason = t(`wall.trouble.${camera ? (view.trouble ?? 'path') : 'not_found'}`)
  words.next = view.retryAt ? t('wall.retry_in', { time: span(view.retryAt - now, t) }) : t('wall.retrying')
  return words
}

export function reasonOf(status: Status, t: Words): string {
  return t(`wall.reason.${status.reason || status.state}`)
}

function nextOf(status: Status, serverNow: number, t: Words): string {
  if (status.state === 'disabled') return ''
  const at = status.retry_at ? Date.parse(status.retry_at) : NaN
  if (!Number.isFinite(at) || at <= serverNow) return t('wall.retrying')
  return t('wall.retry_in', { time: span(at - serverNow, t) })
}

/** 14:26:02, on this machine's clock. */
export function clock(ms: number): string {
  const at = new Date(ms)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')
}

/** "12 s", "4 min", "3 h", "2 d", in words. */
export function span(ms: number, t: Words): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 60) return t('wall.span.s', { n: seconds })
  if (seconds < 3600) return t('wall.span.min', { n: Math.floor(seconds / 60) })
  if (seconds < 48 * 3600) return t('wall.span.h', { n: Math.floor(seconds / 3600) })
  return t('wall.span.d', { n: Math.floor(seconds / 86400) })
}

/** 0.1 s; 6.4 s; 75 s. */
export function ageText(ms: number): string {
  const seconds = ms / 1000
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
}

/** Main stream 1080p 25. */
export function pictureText(view: PlayerView, t: Words): string {
  const parts = [t(`wall.profile.${view.profile}`)]
  if (view.height) parts.push(`${view.height}p`)
  if (view.fps) parts.push(String(view.fps))
  return parts.join(' ')
}
