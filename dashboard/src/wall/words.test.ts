import { describe, expect, it } from 'vitest'
import type { Camera, Status } from '../api/types'
// The words a tile asks for are checked against the books that hold them.
/* eslint-disable no-restricted-imports */
import zh from '../i18n/zh-CN/wall'
import en from '../i18n/en/wall'
/* eslint-enable no-restricted-imports */
import type { PlayerView } from './player'
import { ageText, cameraLive, pictureText, span, tileState, tileWords, type Words } from './words'

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
    const troubles = ['network', 'path', 'no_picture', 'no_codec', 'not_found', 'too_many', 'server', 'signed_out', 'forbidden']
    for (const book of [zh, en]) {
      const say = speak(book)
      for (const reason of reasons) expect(say(`wall.reason.${reason}`)).not.toBe('')
      for (const trouble of troubles) expect(say(`wall.trouble.${trouble}`)).not.toBe('')
      for (const state of ['empty', 'connecting', 'waiting', 'live', 'stale', 'offline', 'refused']) expect(say(`wall.state.${state}`)).not.toBe('')
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

  it('tell a dead camera from an unknown one', () => {
    expect(cameraLive(undefined)).toBeNull()
    expect(cameraLive(status({ state: 'idle' }))).toBeNull()
    expect(cameraLive(status({}))).toBe(true)
    expect(cameraLive(status({ state: 'silent' }))).toBe(false)
  })
})
