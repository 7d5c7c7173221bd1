/**
 * What the phone keeps until the server has it: the draft, the outbox, photos, receipts.
 * IndexedDB; where a browser forbids it, memory, and `durable` says so.
 *
 * Photos are kept apart from the records that name them, as bytes, so that typing a
 * word does not write megabytes and every browser can store them.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { ErrorKind, NewIncident } from '../../api/client'
import type { LonLat, Receipt } from '../../api/types'

export interface PhotoRef { id: string; name: string; type: string; size: number }

export interface Draft {
  /** See draftKey: a user has one ordinary and one direct draft, and those taken back from the outbox. */
  key: string
  direct: boolean
  category: string
  text: string
  address: string
  at: LonLat | null
  accuracy?: number
  photos: PhotoRef[]
  savedAt: number
}

export function draftKey(user: string, direct: boolean, takenBack = ''): string {
  return `${user}:${direct ? 'direct' : 'plain'}${takenBack && `:${takenBack}`}`
}

export interface Waiting {
  /** The Idempotency-Key: made once, sent with every try. */
  key: string
  user: string
  madeAt: number
  report: Omit<NewIncident, 'photos'>
  photos: PhotoRef[]
  attempts: number
  /** Not before this time, epoch ms. */
  nextAt: number
  /** Set when the server will not take it as it is: only a person can help. */
  refused?: { kind: ErrorKind; detail: string; field?: string }
}

export interface KeptReceipt extends Receipt {
  user: string
  category: string
  text: string
  direct: boolean
}

interface Schema extends DBSchema {
  drafts: { key: string; value: Draft }
  outbox: { key: string; value: Waiting }
  photos: { key: string; value: { id: string; type: string; bytes: ArrayBuffer } }
  receipts: { key: string; value: KeptReceipt }
}

export const RECEIPTS_KEPT = 100

export interface ReportStore {
  readonly durable: boolean
  /** The drafts of a user: direct ones first, then the newest. */
  drafts(user: string): Promise<Draft[]>
  saveDraft(draft: Draft): Promise<void>
  /** Removes the draft; its photos too, unless they have gone on into the outbox. */
  dropDraft(key: string, withPhotos: boolean): Promise<void>
  savePhoto(ref: PhotoRef, bytes: ArrayBuffer): Promise<void>
  photo(ref: PhotoRef): Promise<Blob | undefined>
  dropPhoto(id: string): Promise<void>
  waiting(user: string): Promise<Waiting[]>
  saveWaiting(item: Waiting): Promise<void>
  dropWaiting(item: Waiting): Promise<void>
  /** Turns a report that was not accepted back into a draft, in one step: it is never in neither place. */
  reopen(item: Waiting, draft: Draft): Promise<void>
  receipts(user: string): Promise<KeptReceipt[]>
  saveReceipt(receipt: KeptReceipt): Promise<void>
}

export async function openStore(name = 'sharpeyes-report'): Promise<ReportStore> {
  try {
    const db = await openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore('drafts', { keyPath: 'key' })
        db.createObjectStore('outbox', { keyPath: 'key' })
        db.createObjectStore('photos', { keyPath: 'id' })
        db.createObjectStore('receipts', { keyPath: 'number' })
      },
    })
    return new IndexedStore(db)
  } catch {
    return new MemoryStore()
  }
}

class IndexedStore implements ReportStore {
  readonly durable = true
  constructor(private readonly db: IDBPDatabase<Schema>) {}

  async drafts(user: string) {
    return draftsOf(user, await this.db.getAll('drafts'))
  }
  async saveDraft(draft: Draft) {
    await this.db.put('drafts', draft)
  }
  async dropDraft(key: string, withPhotos: boolean) {
    const tx = this.db.transaction(['drafts', 'photos'], 'readwrite')
    const draft = await tx.objectStore('drafts').get(key)
    if (withPhotos) for (const photo of draft?.photos ?? []) await tx.objectStore('photos').delete(photo.id)
    await tx.objectStore('drafts').delete(key)
    await tx.done
  }
  async savePhoto(ref: PhotoRef, bytes: ArrayBuffer) {
    await this.db.put('photos', { id: ref.id, type: ref.type, bytes })
  }
  async photo(ref: PhotoRef) {
    const found = await this.db.get('photos', ref.id)
    return found && new Blob([found.bytes], { type: found.type })
  }
  async dropPhoto(id: string) {
    await this.db.delete('photos', id)
  }
  async waiting(user: string) {
    return (await this.db.getAll('outbox')).filter((item) => item.user === user)
  }
  async saveWaiting(item: Waiting) {
    await this.db.put('outbox', item)
  }
  async dropWaiting(item: Waiting) {
    const tx = this.db.transaction(['outbox', 'photos'], 'readwrite')
    for (const photo of item.photos) await tx.objectStore('photos').delete(photo.id)
    await tx.objectStore('outbox').delete(item.key)
    await tx.done
  }
  async reopen(item: Waiting, draft: Draft) {
    const tx = this.db.transaction(['outbox', 'drafts'], 'readwrite')
    await tx.objectStore('drafts').put(draft)
    await tx.objectStore('outbox').delete(item.key)
    await tx.done
  }
  async receipts(user: string) {
    return newestFirst((await this.db.getAll('receipts')).filter((receipt) => receipt.user === user))
  }
  async saveReceipt(receipt: KeptReceipt) {
    await this.db.put('receipts', receipt)
    for (const old of (await this.receipts(receipt.user)).slice(RECEIPTS_KEPT)) await this.db.delete('receipts', old.number)
  }
}

class MemoryStore implements ReportStore {
  readonly durable = false
  #drafts = new Map<string, Draft>()
  #outbox = new Map<string, Waiting>()
  #photos = new Map<string, Blob>()
  #receipts = new Map<string, KeptReceipt>()

  async drafts(user: string) {
    return draftsOf(user, [...this.#drafts.values()])
  }
  async saveDraft(draft: Draft) {
    this.#drafts.set(draft.key, draft)
  }
  async dropDraft(key: string, withPhotos: boolean) {
    if (withPhotos) for (const photo of this.#drafts.get(key)?.photos ?? []) this.#photos.delete(photo.id)
    this.#drafts.delete(key)
  }
  async savePhoto(ref: PhotoRef, bytes: ArrayBuffer) {
    this.#photos.set(ref.id, new Blob([bytes], { type: ref.type }))
  }
  async photo(ref: PhotoRef) {
    return this.#photos.get(ref.id)
  }
  async dropPhoto(id: string) {
    this.#photos.delete(id)
  }
  async waiting(user: string) {
    return [...this.#outbox.values()].filter((item) => item.user === user)
  }
  async saveWaiting(item: Waiting) {
    this.#outbox.set(item.key, item)
  }
  async dropWaiting(item: Waiting) {
    for (const photo of item.photos) this.#photos.delete(photo.id)
    this.#outbox.delete(item.key)
  }
  async reopen(item: Waiting, draft: Draft) {
    this.#drafts.set(draft.key, draft)
    this.#outbox.delete(item.key)
  }
  async receipts(user: string) {
    return newestFirst([...this.#receipts.values()].filter((receipt) => receipt.user === user))
  }
  async saveReceipt(receipt: KeptReceipt) {
    this.#receipts.set(receipt.number, receipt)
  }
}

function draftsOf(user: string, drafts: Draft[]): Draft[] {
  return drafts
    .filter((draft) => draft.key.startsWith(`${user}:`))
    .sort((a, b) => Number(b.direct) - Number(a.direct) || b.savedAt - a.savedAt)
}

function newestFirst(receipts: KeptReceipt[]): KeptReceipt[] {
  return receipts.sort((a, b) => Date.parse(b.received_at) - Date.parse(a.received_at))
}
