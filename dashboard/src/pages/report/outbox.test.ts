import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, type NewIncident, type Reported } from '../../api/client'
import { LAST_RETRY_MS, Outbox, type OutboxOptions } from './outbox'
import { draftKey, openStore, type Draft, type ReportStore } from './store'

const draft = (more: Partial<Draft> = {}): Draft => ({
  key: draftKey('u1', more.direct ?? false), direct: false, category: 'hazard.manhole', text: 'cover missing', address: '', at: [118.9, 31.9], accuracy: 12.34,
  photos: [], savedAt: 1, ...more,
})
const answer = (number = 'YH-1'): Reported =>
  ({ incident: {} as Reported['incident'], receipt: { number, received_at: '2026-11-23T06:00:00.000Z', hash: 'ab' } })
const network = () => new ApiError('network', 0, 'no answer')

let store: ReportStore
let boxes: Outbox[] = []
let now = 1_000_000

function make(send: OutboxOptions['send'], more: Partial<OutboxOptions> = {}) {
  const box = new Outbox({ store, user: 'u1', send, onSignedOut: () => undefined, onChange: () => undefined, now: () => now, random: () => 0.5, ...more })
  boxes.push(box)
  return box
}

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory()
  store = await openStore()
  now = 1_000_000
})
afterEach(() => {
  boxes.forEach((box) => box.stop())
  boxes = []
})

describe('the outbox', () => {
  it('sends at once, keeps the receipt, forgets the report and its photos', async () => {
    const photo = { id: 'p1', name: 'a.jpg', type: 'image/jpeg', size: 3 }
    await store.savePhoto(photo, new Uint8Array([1, 2, 3]).buffer)
    await store.saveDraft(draft({ photos: [photo] }))
    const send = vi.fn(async (_report: NewIncident, _key: string) => answer())
    const box = make(send)
    await box.start()
    const key = await box.add(draft({ photos: [photo] }), 'Manhole')
    await box.idle()
    expect(send).toHaveBeenCalledOnce()
    const [sent, sentKey] = send.mock.calls[0]!
    expect(sentKey).toBe(key)
    expect(key).toMatch(/^[\x21-\x7e]{1,128}$/)
    expect(sent).toMatchObject({ category: 'hazard.manhole', text: 'cover missing', lon: 118.9, lat: 31.9, accuracy_m: 12.3, direct: false })
    expect(sent.photos![0]!.name).toBe('a.jpg')
    expect(new Uint8Array(await sent.photos![0]!.blob.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]))
    expect(box.done.get(key)?.number).toBe('YH-1')
    expect(await store.waiting('u1')).toEqual([])
    expect(await store.photo(photo)).toBeUndefined()
    expect(await store.drafts('u1')).toEqual([])
    expect((await store.receipts('u1')).map((receipt) => receipt.number)).toEqual(['YH-1'])
  })

  it('takes the category’s name for a text left empty', async () => {
    const send = vi.fn(async (_report: NewIncident) => answer())
    const box = make(send)
    await box.start()
    await box.add(draft({ text: '  ' }), 'Manhole')
    await box.idle()
    expect(send.mock.calls[0]![0].text).toBe('Manhole')
  })

  it('without a network keeps the report, and tries again with the same key', async () => {
    const send = vi.fn<OutboxOptions['send']>().mockRejectedValueOnce(network()).mockResolvedValue(answer())
    const box = make(send)
    await box.start()
    const key = await box.add(draft(), '')
    await box.idle()
    expect(box.reachable).toBe(false)
    expect((await store.waiting('u1'))[0]).toMatchObject({ key, attempts: 1, nextAt: now + 1500 })
    window.dispatchEvent(new Event('online'))
    await box.idle()
    expect(send.mock.calls.map(([, sentKey]) => sentKey)).toEqual([key, key])
    expect(box.items).toEqual([])
    expect(box.reachable).toBe(true)
  })

  it('outlives a restart with its key', async () => {
    const first = make(async () => { throw network() })
    await first.start()
    const key = await first.add(draft(), '')
    await first.idle()
    first.stop()
    now += LAST_RETRY_MS
    const send = vi.fn<OutboxOptions['send']>(async () => answer())
    store = await openStore()
    const second = make(send)
    await second.start()
    await second.idle()
    expect(send.mock.calls[0]![1]).toBe(key)
    expect(await store.waiting('u1')).toEqual([])
  })

  it('backs off with growing, bounded waits and heeds Retry-After', async () => {
    const send = vi.fn<OutboxOptions['send']>().mockRejectedValue(network())
    const box = make(send)
    await box.start()
    await box.add(draft(), '')
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      await box.idle()
      waits.push(box.items[0]!.nextAt - now)
      box.retryNow()
    }
    expect(waits).toEqual([1500, 3000, 6000, 12000, 24000, 45000, 45000, 45000])
    await box.idle()
    send.mockRejectedValue(new ApiError('too_many', 429, '', [], 300))
    box.retryNow()
    await box.idle()
    expect(box.items[0]!.nextAt - now).toBe(300_000)
  })

  it('marks what the server refuses, sends the others, and never asks again for it', async () => {
    const send = vi.fn<OutboxOptions['send']>(async (report) => {
      if (report.text === 'bad') throw new ApiError('invalid', 422, 'bad', [{ field: 'text', message: 'text is too rude' }])
      return answer()
    })
    const box = make(send)
    await box.start()
    await box.add(draft({ text: 'bad' }), '')
    await box.idle()
    await box.add(draft({ text: 'good' }), '')
    await box.idle()
    box.retryNow()
    await box.idle()
    expect(send).toHaveBeenCalledTimes(2)
    expect(box.items).toHaveLength(1)
    expect(box.items[0]!.refused).toEqual({ kind: 'invalid', detail: 'text is too rude', field: 'text' })
    await box.remove(box.items[0]!.key)
    expect(await store.waiting('u1')).toEqual([])
  })

  it('gives a refused report back as a draft with its photos, to be sent anew under a new key', async () => {
    const photo = { id: 'p1', name: 'a.jpg', type: 'image/jpeg', size: 3 }
    await store.savePhoto(photo, new ArrayBuffer(3))
    const send = vi.fn<OutboxOptions['send']>().mockRejectedValueOnce(new ApiError('invalid', 422, 'outside', [{ field: 'lon', message: 'outside' }]))
    const box = make(send)
    await box.start()
    const key = await box.add(draft({ photos: [photo], direct: true }), '')
    await box.idle()
    const back = await box.takeBack(key)
    expect(back).toMatchObject({ direct: true, text: 'cover missing', at: [118.9, 31.9], photos: [photo] })
    expect(await store.waiting('u1')).toEqual([])
    expect(await store.drafts('u1')).toEqual([back])
    send.mockResolvedValue(answer())
    const again = await box.add(back!, '')
    await box.idle()
    expect(again).not.toBe(key)
    expect(send.mock.calls[1]![0].photos).toHaveLength(1)
    expect(await store.drafts('u1')).toEqual([])
  })

  it('gives nothing back that is still on its way', async () => {
    const box = make(async () => { throw network() })
    await box.start()
    const key = await box.add(draft(), '')
    await box.idle()
    expect(await box.takeBack(key)).toBeUndefined()
  })

  it('sends direct reports first, then the oldest', async () => {
    const order: string[] = []
    let down = true
    const box = make(async (report) => {
      if (down) throw network()
      order.push(report.text)
      return answer(`YH-${order.length}`)
    })
    await box.start()
    for (const [text, direct] of [['first', false], ['second', false], ['direct', true]] as const) {
      now += 10
      await box.add(draft({ text, direct }), '')
      await box.idle()
    }
    down = false
    box.retryNow()
    await box.idle()
    expect(order).toEqual(['direct', 'first', 'second'])
  })

  it('stops when the session is over and keeps the report', async () => {
    const onSignedOut = vi.fn()
    const box = make(async () => { throw new ApiError('unauthenticated', 401, '') }, { onSignedOut })
    await box.start()
    await box.add(draft(), '')
    await box.idle()
    expect(onSignedOut).toHaveBeenCalledOnce()
    expect(await store.waiting('u1')).toHaveLength(1)
  })

  it('never sends another user’s report', async () => {
    const first = make(async () => { throw network() })
    await first.start()
    await first.add(draft(), '')
    await first.idle()
    first.stop()
    now += LAST_RETRY_MS
    const send = vi.fn<OutboxOptions['send']>(async () => answer())
    const other = make(send, { user: 'u2' })
    await other.start()
    await other.idle()
    expect(send).not.toHaveBeenCalled()
  })

  it('keeps the last receipts only', async () => {
    for (let i = 0; i < 110; i++) {
      await store.saveReceipt({ number: `n${i}`, received_at: new Date(i * 1000).toISOString(), hash: '', user: 'u1', category: '', text: '', direct: false })
    }
    const kept = await store.receipts('u1')
    expect(kept).toHaveLength(100)
    expect(kept[0]!.number).toBe('n109')
  })
})

describe('drafts', () => {
  it('dropped take their photos along; handed on, they do not', async () => {
    const photo = { id: 'p', name: 'a', type: 'image/png', size: 1 }
    await store.savePhoto(photo, new ArrayBuffer(1))
    await store.saveDraft(draft({ photos: [photo] }))
    await store.dropDraft(draftKey('u1', false), false)
    expect(await store.photo(photo)).toBeDefined()
    await store.saveDraft(draft({ photos: [photo] }))
    await store.dropDraft(draftKey('u1', false), true)
    expect(await store.photo(photo)).toBeUndefined()
  })

  it('live in memory where the browser has no store', async () => {
    globalThis.indexedDB = { open: () => { throw new Error('forbidden') } } as unknown as IDBFactory
    const memory = await openStore('other')
    expect(memory.durable).toBe(false)
    await memory.saveDraft(draft())
    expect((await memory.drafts('u1'))[0]?.text).toBe('cover missing')
  })
})
