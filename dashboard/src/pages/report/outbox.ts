/**
 * Sends reports until each has its receipt. No Vue.
 *
 * Invariants:
 * - A report leaves the phone's store only when its receipt is stored in its place, or when a person removes it.
 * - A report keeps its Idempotency-Key over all tries and restarts: the server makes one incident of it.
 * - One request at a time; direct reports first, then the oldest.
 * - What may succeed later is tried again by a jittered back-off; what will not is marked refused and waits for a person.
 */
import { ApiError, type NewIncident, type Reported } from '../../api/client'
import { draftKey, type Draft, type KeptReceipt, type ReportStore, type Waiting } from './store'

export const FIRST_RETRY_MS = 2000
export const LAST_RETRY_MS = 60_000

export interface OutboxOptions {
  store: ReportStore
  user: string
  send: (report: NewIncident, key: string) => Promise<Reported>
  /** Nobody is signed in any more; sending stops until start is called again. */
  onSignedOut: () => void
  onChange: () => void
  now?: () => number
  random?: () => number
}

export class Outbox {
  items: Waiting[] = []
  /** The key of the report on its way right now. */
  sending: string | null = null
  /** The answers of this visit, by key. */
  readonly done = new Map<string, KeptReceipt>()
  /** False after a try that did not reach the server. */
  reachable = true
  #timer: ReturnType<typeof setTimeout> | undefined
  #running: Promise<void> | null = null
  #open = false
  readonly #online = () => this.retryNow()
  readonly #now: () => number

  constructor(private readonly options: OutboxOptions) {
    this.#now = options.now ?? Date.now
  }

  async start(): Promise<void> {
    this.#open = true
    window.addEventListener('online', this.#online)
    this.items = order(await this.options.store.waiting(this.options.user))
    this.options.onChange()
    this.#wake()
  }

  stop(): void {
    this.#open = false
    clearTimeout(this.#timer)
    window.removeEventListener('online', this.#online)
  }

  /** Takes a draft over: from here on the report is safe on the phone. The key it will be sent with is returned. */
  async add(draft: Draft, categoryName: string): Promise<string> {
    const item: Waiting = {
      key: makeKey(), user: this.options.user, madeAt: this.#now(), attempts: 0, nextAt: 0, photos: draft.photos,
      report: {
        category: draft.category, text: draft.text.trim() || categoryName, direct: draft.direct,
        lon: draft.at![0], lat: draft.at![1],
        ...(draft.accuracy ? { accuracy_m: Math.round(draft.accuracy * 10) / 10 } : {}),
        ...(draft.address.trim() ? { address: draft.address.trim() } : {}),
      },
    }
    await this.options.store.saveWaiting(item)
    await this.options.store.dropDraft(draft.key, false)
    this.items = order([...this.items, item])
    this.options.onChange()
    this.#wake()
    return item.key
  }

  /** Forgets a report that was never accepted. */
  async remove(key: string): Promise<void> {
    const item = this.items.find((other) => other.key === key)
    if (!item || this.sending === key) return
    await this.options.store.dropWaiting(item)
    this.items = this.items.filter((other) => other !== item)
    this.options.onChange()
  }

  /** Takes a report that was not accepted back as a draft, to be put right and sent as a new one. */
  async takeBack(key: string): Promise<Draft | undefined> {
    const item = this.items.find((other) => other.key === key)
    if (!item?.refused) return undefined
    const { category, text, address = '', direct = false, lon, lat, accuracy_m } = item.report
    const draft: Draft = {
      key: draftKey(this.options.user, direct, key), category, text, address, direct, at: [lon, lat], accuracy: accuracy_m,
      photos: item.photos, savedAt: this.#now(),
    }
    await this.options.store.reopen(item, draft)
    this.items = this.items.filter((other) => other !== item)
    this.options.onChange()
    return draft
  }

  retryNow(): void {
    for (const item of this.items) item.nextAt = 0
    this.#wake()
  }

  /** Waits until nothing is on its way: for tests and for leaving. */
  async idle(): Promise<void> {
    await this.#running
  }

  #wake(): void {
    clearTimeout(this.#timer)
    if (!this.#open || this.#running) return
    const open = this.items.filter((item) => !item.refused)
    if (open.length === 0) return
    const wait = Math.min(...open.map((item) => item.nextAt)) - this.#now()
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#wake(), wait)
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = null
      this.#wake()
    })
  }

  async #run(): Promise<void> {
    for (;;) {
      const item = this.items.find((other) => !other.refused && other.nextAt <= this.#now())
      if (!item || !this.#open) return
      this.sending = item.key
      this.options.onChange()
      try {
        await this.#try(item)
      } finally {
        this.sending = null
        this.options.onChange()
      }
    }
  }

  async #try(item: Waiting): Promise<void> {
    const { store, send, user } = this.options
    try {
      const photos: { name: string; blob: Blob }[] = []
      for (const ref of item.photos) {
        const blob = await store.photo(ref)
        if (blob) photos.push({ name: ref.name, blob })
      }
      const { receipt } = await send({ ...item.report, photos }, item.key)
      const kept: KeptReceipt = {
        ...receipt, user, category: item.report.category, text: item.report.text, direct: item.report.direct ?? false,
      }
      await store.saveReceipt(kept)
      await store.dropWaiting(item)
      this.reachable = true
      this.done.set(item.key, kept)
      this.items = this.items.filter((other) => other !== item)
    } catch (fault) {
      await this.#failed(item, fault)
    }
  }

  async #failed(item: Waiting, fault: unknown): Promise<void> {
    item.attempts++
    const known = fault instanceof ApiError ? fault : null
    this.reachable = known !== null && known.kind !== 'network'
    if (known?.kind === 'unauthenticated') {
      this.stop()
      this.options.onSignedOut()
    } else if (known && !known.passing) {
      const [first] = known.faults
      item.refused = { kind: known.kind, detail: first?.message ?? known.message, field: first?.field }
    } else {
      const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(item.attempts - 1, 10))
      const wait = (ceiling / 2) * (1 + (this.options.random ?? Math.random)())
      item.nextAt = this.#now() + Math.max(wait, (known?.retryAfterS ?? 0) * 1000)
    }
    // A full or broken store must not stop the sending; the item is still in memory and, older, on disk.
    await this.options.store.saveWaiting(item).catch(() => undefined)
  }
}

function order(items: Waiting[]): Waiting[] {
  return items.sort((a, b) => Number(b.report.direct ?? false) - Number(a.report.direct ?? false) || a.madeAt - b.madeAt)
}

/** 128 random bits; crypto.randomUUID exists on encrypted pages only. */
export function makeKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
