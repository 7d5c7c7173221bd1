/** What a tile says: from states and times to sentences. Pure, given the words and the time. */
import type { Camera, CameraFigures, Status, StreamFigures } from '../api/types'
import type { HeardFigures } from '../picture/picture'
import { STALE_MS } from './frames'
import type { PlayerView } from './player'

export type Words = (key: string, params?: Record<string, unknown>) => string

export type TileState = 'empty' | 'connecting' | 'waiting' | 'live' | 'stale' | 'offline' | 'refused' | 'unsupported'

/** Something to know of a picture that is live. */
export type Badge = 'degraded' | 'transcoded' | 'bframes'

/** What the server said of a camera: its state, and where they are asked for its figures of the last second. */
export interface Heard {
  status?: Status
  figures?: HeardFigures
}

export interface TileWords {
  state: TileState
  badges: { kind: Badge; text: string; why: string }[]
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

/** Figures that were heard longer ago than this say nothing of now. */
const FRESH_MS = 3_000

/** The figures of the stream that is shown. */
function figuresOf(view: PlayerView, heard: Heard, now: number): StreamFigures | null {
  const { figures } = heard
  return !figures || now - figures.at > FRESH_MS ? null : ofProfile(figures.figures, view)
}

const ofProfile = (figures: CameraFigures, view: PlayerView): StreamFigures => figures.profiles?.find((one) => one.profile === view.profile) ?? figures

/** The camera sends, but only changes of a picture that nobody has: the next key frame is waited for. */
function lacksKey(view: PlayerView, heard: Heard, now: number): boolean {
  const figures = figuresOf(view, heard, now)
  const before = heard.figures?.before
  return figures !== null && before !== undefined && figures.discarded > ofProfile(before, view).discarded
}

/** How old the newest frame that the server has must be by now; null when it is young or not known. */
function serverAge(view: PlayerView, heard: Heard, now: number): number | null {
  const figures = figuresOf(view, heard, now)
  if (figures) return figures.frame_age_ms === undefined ? null : figures.frame_age_ms + now - heard.figures!.at
  return heard.status?.stale ? Math.max(STALE_MS, heard.status.frame_age_ms ?? 0) : null
}

/**
 * Age of the shown picture, ms: by the time of its frames, and by what the server has: while nothing
 * new reaches the server, nothing new can be shown.
 */
export function pictureAge(view: PlayerView, heard: Heard, now: number): number | null {
  if (view.ageMs === null) return null
  const atServer = serverAge(view, heard, now)
  return atServer !== null && atServer >= STALE_MS && view.flowingMs < BELIEVED_AFTER_MS ? Math.max(view.ageMs, atServer) : view.ageMs
}

const unsupported = (view: PlayerView) => view.trouble === 'no_codec' || view.trouble === 'h265'

export function tileState(view: PlayerView, heard: Heard, now: number): TileState {
  if (view.state === 'refused') return 'refused'
  const { status } = heard
  const dead = cameraLive(status) === false
  if (view.state === 'live') {
    const old = dead || (serverAge(view, heard, now) ?? 0) >= STALE_MS
    return old && view.flowingMs < BELIEVED_AFTER_MS ? 'stale' : 'live'
  }
  if (view.state === 'stale') return dead && now - view.lastAt > KEEP_PICTURE_MS ? 'offline' : 'stale'
  if (status?.reason === 'unsupported_codec') return 'unsupported'
  if (status?.reason === 'no_key_frame' || (view.state === 'waiting' && lacksKey(view, heard, now))) return 'waiting'
  if (dead) return 'offline'
  if (view.state === 'offline' && unsupported(view)) return 'unsupported'
  // The way to the browser stands, the one to the camera does not yet.
  if (view.state === 'waiting' && status?.state === 'connecting') return 'connecting'
  return view.state
}

/** now: this machine's clock; serverNow: the server's, for the times in a status. */
export function tileWords(
  camera: Camera | undefined, view: PlayerView, heard: Heard, now: number, serverNow: number, t: Words,
): TileWords {
  const { status } = heard
  const state = tileState(view, heard, now)
  const words: TileWords = { state, badges: [], label: t(`wall.state.${state}`), title: '', reason: '', next: '' }
  switch (state) {
    case 'empty':
      return words
    case 'live':
      words.badges = badges(view, heard, now, t)
      return words
    case 'connecting':
      words.title = t(view.state === 'waiting' ? 'wall.connecting_camera' : 'wall.connecting')
      return words
    case 'waiting':
      words.title = t('wall.waiting_key')
      words.reason = t('wall.waiting_since', { time: span(status?.reason === 'no_key_frame' ? serverNow - Date.parse(status.since) : now - view.since, t) })
      if (status?.key_interval_s) words.next = t('wall.key_every', { n: status.key_interval_s })
      return words
    case 'unsupported':
      words.title = t('wall.unsupported')
      words.reason = unsupported(view) ? t(`wall.trouble.${view.trouble!}`) : reasonOf(status!, t)
      words.next = t(view.trouble === 'h265' ? 'wall.h265_next' : 'wall.unsupported_next')
      return words
    case 'refused':
      words.title = t(view.trouble === 'signed_out' ? 'wall.signed_out' : 'wall.forbidden')
      words.reason = t(view.trouble === 'signed_out' ? 'wall.signed_out_next' : 'wall.forbidden_next')
      return words
    case 'stale':
      words.title = t('wall.stands_at', { time: clock(view.lastAt) })
      words.reason = lacksKey(view, heard, now) ? t('wall.waiting_key') : cameraLive(status) === false ? reasonOf(status!, t) : t('wall.stale_waiting')
      words.next = cameraLive(status) === false ? nextOf(status!, serverNow, t) : t('wall.recovering')
      return words
    case 'offline':
      return offline(words, camera, view, status, now, serverNow, t)
  }
}

function badges(view: PlayerView, heard: Heard, now: number, t: Words): TileWords['badges'] {
  const out: TileWords['badges'] = []
  const add = (kind: Badge, params: Record<string, unknown> = {}) => out.push({ kind, text: t(`wall.badge.${kind}`), why: t(`wall.badge.${kind}_why`, params) })
  const { status } = heard
  const server = figuresOf(view, heard, now) ?? status
  if (server?.degraded || view.figures?.degraded) add('degraded', { camera: server?.lost ?? 0, here: view.figures?.lost ?? 0 })
  if (view.transcoded) add('transcoded', { codec: view.codec === 'H264' ? t('wall.badge.pyramid') : dotted(view.codec) })
  else if (status?.b_frames) add('bframes')
  return out
}

/** The small figures of a tile: what one asks of a picture that looks wrong. Label and value. */
export function figureRows(view: PlayerView, heard: Heard, now: number, serverNow: number, t: Words): [label: string, value: string][] {
  const { figures } = view
  const { status } = heard
  const lost = (figuresOf(view, heard, now) ?? status)?.lost
  const age = pictureAge(view, heard, now)
  const at = status?.last_key_at ? Date.parse(status.last_key_at) : NaN
  // The server tells of key frames once a second at most: the decoder may know of a newer one.
  const key = Math.min(Number.isFinite(at) ? serverNow - at : Infinity, figures?.keyAt ? now - figures.keyAt : Infinity)
  const rows: [string, string][] = [
    ['age', age === null ? '' : ageText(age)],
    ['fps', String(figures?.fps ?? '')],
    ['kbps', bitrate(figures?.kbps ?? null)],
    ['size', view.width ? `${view.width}×${view.height}` : ''],
    ['codec', codecText(view)],
    ['key', Number.isFinite(key) ? t('wall.figure.ago', { time: ageText(Math.max(0, key)) }) : ''],
    ['lost', figures || lost !== undefined ? t('wall.figure.losses', { camera: lost ?? 0, here: figures?.lost ?? 0 }) : ''],
  ]
  return rows.map(([name, value]) => [t(`wall.figure.${name}`), value || '–'])
}

function codecText(view: PlayerView): string {
  const shown = dotted(view.figures?.codec ?? '')
  const sent = dotted(view.codec)
  return view.transcoded && sent && sent !== shown ? `${sent} → ${shown}` : shown || sent
}

/** H264 is written H.264. */
const dotted = (codec: string) => codec.replace(/^H(26\d)$/i, 'H.$1')

const bitrate = (kbps: number | null) => (kbps === null ? '' : kbps < 1000 ? `${kbps} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`)

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
