import { createApp, h, nextTick, reactive, type App } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeI18n } from '../i18n'
import Still from './Still.vue'

interface Given { status?: number; age?: string; tag?: string; fails?: boolean }

const asked: { url: string; tag: string | null; signal: AbortSignal }[] = []
let answers: Record<string, Given | Promise<Given>>
let app: App | undefined
let drawn: number
let undrawable: boolean

const draw = async () => {
  if (undrawable) throw new Error('another codec')
  drawn++
}

function show(props: Record<string, unknown>) {
  const box = document.createElement('div')
  const given = reactive<Record<string, unknown>>({ name: '河堤 3 号', viewer: '陈晓岚', draw, ...props })
  app = createApp({ render: () => h(Still, given as never) }).use(makeI18n('zh-CN'))
  app.mount(box)
  return { box, given, still: () => box.querySelector<HTMLElement>('[data-testid="still"]')!, text: () => box.querySelector('figcaption, p')?.textContent?.trim() ?? '', mark: () => box.querySelector('[data-testid="still-mark"]')?.textContent ?? '' }
}

/** Lets answers that have come be taken in. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  await nextTick()
}

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-24T08:00:00Z') })
  asked.length = 0
  drawn = 0
  undrawable = false
  answers = {}
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, tag: new Headers(init.headers).get('If-None-Match'), signal: init.signal! })
    const given = await (answers[url] ?? { status: 503 })
    if (given.fails) throw new TypeError('no network')
    const headers = new Headers()
    if (given.age !== undefined) headers.set('X-Picture-Age', given.age)
    if (given.tag) headers.set('ETag', given.tag)
    const status = given.status ?? 200
    return new Response(status === 304 ? null : 'film', { status, headers })
  })
})
afterEach(() => {
  app?.unmount()
  app = undefined
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a still', () => {
  it('shows the picture with its age, which counts on', async () => {
    answers['/k'] = { age: '3.4' }
    const { still, text, mark, box } = show({ src: '/k' })
    expect([still().dataset['state'], mark()]).toEqual(['loading', ''])
    expect(still().getAttribute('aria-busy')).toBe('true')
    await settle()
    expect(still().dataset['state']).toBe('shown')
    expect(box.querySelector('canvas')!.getAttribute('aria-label')).toBe('河堤 3 号 的最后画面')
    expect(text()).toBe('3 秒前')
    const [hour, minute] = [new Date().getHours(), new Date().getMinutes()].map((n) => String(n).padStart(2, '0'))
    expect(mark()).toContain(`陈晓岚 ${hour}:${minute}`)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(text()).toBe('1 分钟前')
    await vi.advanceTimersByTimeAsync(2 * 3600_000)
    expect(text()).toBe('2 小时前')
    expect(asked).toHaveLength(1)
  })

  it('says that there is none, of a camera without one and of an answer without an age', async () => {
    for (const given of [{ status: 503 }, { status: 404 }, {}, { age: 'old' }, { age: '-1' }, { fails: true }]) {
      answers['/k'] = given
      const { still, text } = show({ src: '/k' })
      await settle()
      expect([still().dataset['state'], text()]).toEqual(['absent', '暂无留存画面'])
      app!.unmount()
    }
    expect(drawn).toBe(0)
  })

  it('takes the JPEG where the film cannot be decoded, and says so where that is not there either', async () => {
    undrawable = true
    answers['/k'] = { age: '1' }
    answers['/s'] = { status: 501 }
    const first = show({ src: '/k', photo: '/s' })
    await settle()
    expect(asked.map((one) => one.url)).toEqual(['/k', '/s'])
    expect([first.still().dataset['state'], first.text()]).toEqual(['unreadable', '此浏览器无法显示该画面'])
    app!.unmount()
    const second = show({ src: '/k' })
    await settle()
    expect(second.still().dataset['state']).toBe('unreadable')
  })

  it('asks again with what it has, keeps the picture through a fault, and asks no more when it is gone', async () => {
    answers['/k'] = { age: '1', tag: '"a"' }
    const { still, text } = show({ src: '/k', every: 5000 })
    await settle()
    answers['/k'] = { status: 304, age: '6' }
    await vi.advanceTimersByTimeAsync(5000)
    await settle()
    expect(asked.map((one) => one.tag)).toEqual([null, '"a"'])
    expect([text(), drawn]).toEqual(['6 秒前', 1])
    answers['/k'] = { status: 503 }
    await vi.advanceTimersByTimeAsync(5000)
    answers['/k'] = { fails: true }
    await vi.advanceTimersByTimeAsync(5000)
    await settle()
    expect([still().dataset['state'], text()]).toEqual(['shown', '16 秒前'])
    app!.unmount()
    app = undefined
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(4)
    expect(asked.at(-1)!.signal.aborted).toBe(true)
  })

  it('of another camera never shows the one before, whatever comes late', async () => {
    let late!: (given: Given) => void
    answers['/a'] = new Promise((done) => (late = done))
    answers['/b'] = { status: 503 }
    const { given, still } = show({ src: '/a' })
    await settle()
    given['src'] = '/b'
    await settle()
    expect(asked[0]!.signal.aborted).toBe(true)
    late({ age: '0.0' })
    await settle()
    expect([still().dataset['state'], drawn]).toEqual(['absent', 0])
  })

  it('asks for nothing while nobody looks', async () => {
    answers['/k'] = { age: '1' }
    const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    show({ src: '/k', every: 5000 })
    await settle()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(1)
    hidden.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    await settle()
    expect(asked).toHaveLength(2)
  })
})
