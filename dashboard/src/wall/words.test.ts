import { describe, expect, it } from 'vitest'
import type { Camera, CameraFigures, Status } from '../api/types'
// The words a tile asks for are checked against the books that hold them.
/* eslint-disable no-restricted-imports */
import zh from '../i18n/zh-CN/wall'
import en from '../i18n/en/wall'
/* eslint-enable no-restricted-imports */
import type { PlayerView } from './player'
import { ageText, cameraLive, figureRows, pictureAge, pictureText, span, tileState, tileWords, type Heard, type Words } from './words'

const NOW = Date.parse('2026-11-23T06:26:00Z')
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString()

function speak(book: object): Words {
  return (key, params = {}) => {
    const text = key.split('.').slice(1).reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], book)
    if (typeof text !== 'string') throw new Error(`no words for ${key}`)
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]))
  }
}
const t = speak(zh)

const view = (over: Partial<PlayerView>): PlayerView => ({
  state: 'live', since: NOW, profile: 'main', codec: 'H264', transcoded: false, sound: 'off', figures: null, width: 1920, height: 1080, fps: 25, frames: 100, ageMs: 100, lastAt: NOW, flowingMs: 60_000, ...over,
})
const status = (over: Partial<Status>): Status => ({ id: 'cam000', state: 'live', reason: '', since: ago(60), ...over })
/** Figures heard `agoMs` ago, and those of the second before. */
const figures = (over: Partial<CameraFigures>, before: Partial<CameraFigures> = {}, agoMs = 500): Heard['figures'] => {
  const of = (more: Partial<CameraFigures>): CameraFigures => ({
    id: 'cam000', state: 'live', frame_age_ms: 20, stale: false, fps: 25, kbps: 2000, key_interval_s: 4, lost: 0, discarded: 0, reconnects: 0, viewers: 1, degraded: false, ...more,
  })
  return { figures: of(over), before: of(before), at: NOW - agoMs }
}
const camera = { id: 'cam000', name: '港湾路' } as Camera

describe('what a tile says', () => {
  it('says since when, why and what next of a dead camera', () => {
    const dead = status({ state: 'refused', reason: 'sign_in_refused', since: ago(720), retry_at: ago(-60) })
    const words = tileWords(camera, view({ state: 'connecting', lastAt: 0, ageMs: null }), { status: dead }, NOW, NOW, t)
    expect(words.state).toBe('offline')
    expect(words.title).toBe('离线 12 分钟')
    expect(words.reason).toContain('设备拒绝登录')
    expect(words.next).toBe('1 分钟后再试')
  })

  it('says when a standing picture stood still', () => {
    const words = tileWords(camera, view({ state: 'stale', lastAt: NOW - 6400, ageMs: 6400 }), { status: status({}) }, NOW, NOW, t)
    expect(words.state).toBe('stale')
    expect(words.title).toMatch(/^画面停在 \d\d:\d\d:\d\d$/)
    expect(words.next).toBe('正在恢复')
  })

  it('takes a standing picture of a dead camera off after a while', () => {
    const dead = status({ state: 'unreachable', reason: 'timeout' })
    expect(tileState(view({ state: 'stale', lastAt: NOW - 3000 }), { status: dead }, NOW)).toBe('stale')
    expect(tileState(view({ state: 'stale', lastAt: NOW - 11_000 }), { status: dead }, NOW)).toBe('offline')
  })

  it('does not take the last frames of a dead camera for new ones', () => {
    const dead = status({ state: 'unreachable', reason: 'connection_refused' })
    expect(tileState(view({ flowingMs: 300 }), { status: dead }, NOW)).toBe('stale')
    expect(tileState(view({ flowingMs: 3000 }), { status: dead }, NOW)).toBe('live')
    expect(tileState(view({ flowingMs: 300 }), { status: status({}) }, NOW)).toBe('live')
  })

  it('never calls live what is not', () => {
    for (const state of ['connecting', 'waiting', 'stale', 'offline', 'refused'] as const) {
      expect(tileState(view({ state }), { status: status({}) }, NOW)).not.toBe('live')
    }
  })

  it('does not take frames for new ones while the gateway has none', () => {
    const old = { status: status({}), figures: figures({ frame_age_ms: 6000 }) }
    expect(tileState(view({ flowingMs: 300 }), old, NOW)).toBe('stale')
    expect(pictureAge(view({ flowingMs: 300, ageMs: 40 }), old, NOW)).toBe(6500)
    expect(tileState(view({ flowingMs: 300 }), { status: status({ stale: true, frame_age_ms: 5000 }) }, NOW)).toBe('stale')
    // Word that is itself old says nothing, nor does that of the other stream.
    expect(tileState(view({ flowingMs: 300 }), { figures: figures({ frame_age_ms: 6000 }, {}, 9000) }, NOW)).toBe('live')
    const two = figures({ frame_age_ms: 20 })!
    two.figures.profiles = [{ ...two.figures, profile: 'main', frame_age_ms: 6000 }, { ...two.figures, profile: 'sub' }]
    expect(tileState(view({ flowingMs: 300, profile: 'sub' }), { figures: two }, NOW)).toBe('live')
    expect(tileState(view({ flowingMs: 300, profile: 'main' }), { figures: two }, NOW)).toBe('stale')
    expect(pictureAge(view({ ageMs: 40 }), { figures: figures({}) }, NOW)).toBe(40)
  })

  it('tells waiting for the camera from waiting for its key frame', () => {
    const first = view({ state: 'waiting', lastAt: 0, ageMs: null, flowingMs: 0, since: NOW - 3000 })
    const calling = { status: status({ state: 'connecting' }) }
    expect(tileWords(camera, first, calling, NOW, NOW, t)).toMatchObject({ state: 'connecting', title: '正在连接摄像机' })
    const changes = { ...calling, figures: figures({ discarded: 40 }, { discarded: 15 }) }
    expect(tileWords(camera, first, changes, NOW, NOW, t)).toMatchObject({ state: 'waiting', title: '等待关键帧', reason: '已等 3 秒' })
    const none = { status: status({ state: 'silent', reason: 'no_key_frame', since: ago(30) }) }
    expect(tileWords(camera, view({ state: 'offline', lastAt: 0 }), none, NOW, NOW, t)).toMatchObject({ state: 'waiting', reason: '已等 30 秒' })
    const stands = tileWords(camera, view({ state: 'stale', lastAt: NOW - 3000 }), { status: status({}), figures: figures({ discarded: 40 }) }, NOW, NOW, t)
    expect(stands.reason).toBe('等待关键帧')
  })

  it('says which codec is the trouble, and what helps', () => {
    const offline = view({ state: 'offline', trouble: 'h265', lastAt: 0 })
    const words = tileWords(camera, offline, { status: status({}) }, NOW, NOW, t)
    expect([words.state, words.title]).toEqual(['unsupported', '编码不支持'])
    expect(words.reason).toContain('H.265')
    expect(words.next).toContain('ffmpeg')
    const camera2 = tileWords(camera, view({ state: 'offline', lastAt: 0 }), { status: status({ state: 'silent', reason: 'unsupported_codec' }) }, NOW, NOW, t)
    expect(camera2).toMatchObject({ state: 'unsupported', reason: '摄像机的编码不是 H.264 或 H.265' })
  })

  it('marks what is live but not as good as it should be', () => {
    const kinds = (v: Partial<PlayerView>, heard: Heard) => tileWords(camera, view(v), heard, NOW, NOW, t).badges.map((badge) => badge.kind)
    const here = { kbps: 0, fps: 25, codec: 'H264', lost: 2, keyAt: 0, degraded: true }
    expect(kinds({}, { status: status({}) })).toEqual([])
    expect(kinds({}, { status: status({ degraded: true }) })).toEqual(['degraded'])
    expect(kinds({ figures: here }, {})).toEqual(['degraded'])
    // The figures of the second are newer than the state.
    expect(kinds({}, { status: status({ degraded: true }), figures: figures({}) })).toEqual([])
    expect(kinds({}, { status: status({ b_frames: true }) })).toEqual(['bframes'])
    expect(kinds({ transcoded: true, codec: 'H265' }, { status: status({ b_frames: true }) })).toEqual(['transcoded'])
    const why = (codec: string) => tileWords(camera, view({ transcoded: true, codec }), {}, NOW, NOW, t).badges[0]!.why
    expect([why('H265'), why('H264')]).toEqual(['摄像机发送 H.265，网关转成 H.264 后播放', '摄像机发送 多层 B 帧，网关转成 H.264 后播放'])
    expect(kinds({ state: 'stale', lastAt: NOW - 3000 }, { status: status({ degraded: true }) })).toEqual([])
  })

  it('says why the gateway gave nothing when the camera is not at fault', () => {
    const words = tileWords(camera, view({ state: 'offline', since: NOW - 5000, trouble: 'network', retryAt: NOW + 3000 }), {}, NOW, NOW, t)
    expect([words.title, words.reason, words.next]).toEqual(['离线 5 秒', '网关没有应答', '3 秒后再试'])
  })

  it('does not promise a new try to who has no right', () => {
    const words = tileWords(camera, view({ state: 'refused', trouble: 'forbidden' }), { status: status({}) }, NOW, NOW, t)
    expect(words.title).toBe('无权查看这路视频')
    expect(words.next).toBe('')
  })

  it('has words for each state, reason and trouble in both languages', () => {
    const reasons = ['sign_in_refused', 'not_found', 'no_route', 'connection_refused', 'timeout', 'no_data', 'no_key_frame', 'closed_by_camera',
      'unsupported_codec', 'bad_stream', 'address_not_allowed', 'no_viewers', 'refused', 'unreachable', 'silent', 'disabled']
    const troubles = ['network', 'path', 'no_picture', 'no_codec', 'h265', 'transcodes', 'not_found', 'too_many', 'server', 'signed_out', 'forbidden']
    for (const book of [zh, en]) {
      const say = speak(book)
      for (const sound of ['off', 'starting', 'on', 'none', 'blocked', 'none_short', 'blocked_short']) expect(say(`wall.sound.${sound}`)).not.toBe('')
      for (const badge of ['degraded', 'transcoded', 'bframes']) expect(say(`wall.badge.${badge}`) + say(`wall.badge.${badge}_why`)).not.toBe('')
      for (const reason of reasons) expect(say(`wall.reason.${reason}`)).not.toBe('')
      for (const trouble of troubles) expect(say(`wall.trouble.${trouble}`)).not.toBe('')
      for (const state of ['empty', 'connecting', 'waiting', 'live', 'stale', 'offline', 'refused', 'unsupported']) expect(say(`wall.state.${state}`)).not.toBe('')
    }
    const keys = (book: object, at = ''): string[] =>
      Object.entries(book).flatMap(([key, value]) => typeof value === 'object' ? keys(value as object, `${at}${key}.`) : [at + key])
    expect(keys(en)).toEqual(keys(zh))
  })
})

describe('figures', () => {
  it('are short', () => {
    expect(ageText(96)).toBe('0.1 s')
    expect(ageText(6400)).toBe('6.4 s')
    expect(ageText(75_400)).toBe('75 s')
    expect(span(800, t)).toBe('1 秒')
    expect(span(3 * 3600_000, t)).toBe('3 小时')
    expect(pictureText(view({}), t)).toBe('主码流 1080p 25')
  })

  it('of a tile say what one asks of a picture', () => {
    const seen = view({ codec: 'H265', transcoded: true, figures: { kbps: 1840, fps: 24, codec: 'H264', lost: 1, keyAt: NOW - 900, degraded: false } })
    const rows = Object.fromEntries(figureRows(seen, { status: status({ last_key_at: ago(2) }), figures: figures({ lost: 12 }) }, NOW, NOW, t))
    expect(rows).toEqual({
      延迟: '0.1 s', 解码帧率: '24', 码率: '1.8 Mbit/s', 分辨率: '1920×1080', 编码: 'H.265 → H.264', 关键帧: '0.9 s 前', 丢包: '前端 12 · 本机 1',
    })
    const none = figureRows(view({ ageMs: null, width: 0, height: 0, codec: '' }), {}, NOW, NOW, t)
    expect(none.every(([, value]) => value === '–')).toBe(true)
  })

  it('tell a dead camera from an unknown one', () => {
    expect(cameraLive(undefined)).toBeNull()
    expect(cameraLive(status({ state: 'idle' }))).toBeNull()
    expect(cameraLive(status({}))).toBe(true)
    expect(cameraLive(status({ state: 'silent' }))).toBe(false)
  })
})
