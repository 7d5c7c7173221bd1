/** The phone's state: draft, outbox, categories. One per visit of the page. */
import { computed, inject, onScopeDispose, ref, shallowRef, watch, type InjectionKey } from 'vue'
import type { Category, CategoryGroup } from '../../api/types'
import { useWords } from '../../i18n'
import type { Session } from '../session'
import { Outbox } from './outbox'
import { draftKey, openStore, type Draft, type PhotoRef, type ReportStore, type Waiting } from './store'

export type View = 'home' | 'form' | 'sent' | 'mine' | 'me'
const SAVE_AFTER_MS = 400
const CATEGORIES = 'sharpeyes.categories'

export function makeReport(session: Session) {
  const { t, locale } = useWords()
  const user = session.me.value!.user.id
  const view = ref<View>('home')
  const draft = ref<Draft>(blank())
  /** Drafts left unfinished: the direct one, then the ordinary one. */
  const kept = ref<Draft[]>([])
  const saved = ref<'no' | 'yes' | 'failed'>('no')
  const sentKey = ref<string | null>(null)
  const group = ref<CategoryGroup>('hazard')
  const categories = shallowRef<Category[]>(cachedCategories())
  const categoriesFailed = ref(false)
  const changes = ref(0)
  const online = ref(navigator.onLine)
  let store: ReportStore | null = null
  const outbox = shallowRef<Outbox | null>(null)

  function blank(direct = false): Draft {
    return { key: draftKey(user, direct), direct, category: '', text: '', address: '', at: null, photos: [], savedAt: 0 }
  }

  const opening = openStore().then(async (opened) => {
    store = opened
    const box = new Outbox({
      store: opened, user,
      send: (report, key) => session.api.report(report, key),
      onSignedOut: () => session.api.onSignedOut(),
      onChange: () => changes.value++,
    })
    outbox.value = box
    await loadKept()
    await box.start()
  })

  async function loadKept() {
    kept.value = (await store?.drafts(user).catch(() => [])) ?? []
  }

  function open(next: Draft, wanted: CategoryGroup) {
    draft.value = next
    group.value = categories.value.find((category) => category.code === next.category)?.group ?? wanted
    view.value = 'form'
  }

  async function loadCategories() {
    categoriesFailed.value = false
    try {
      categories.value = (await session.api.categories()).items
      localStorage.setItem(CATEGORIES, JSON.stringify(categories.value))
    } catch {
      categoriesFailed.value = categories.value.length === 0
    }
  }
  void loadCategories()

  // The draft is written down a moment after each change, so that nothing typed is lost with the page.
  let timer: ReturnType<typeof setTimeout> | undefined
  async function save() {
    clearTimeout(timer)
    const now = draft.value
    if (view.value !== 'form' || (!now.text && !now.category && !now.photos.length && !now.address)) return
    try {
      await opening
      await store!.saveDraft({ ...now, at: now.at ? [...now.at] : null, photos: now.photos.map((p) => ({ ...p })), savedAt: Date.now() })
      saved.value = store!.durable ? 'yes' : 'no'
    } catch {
      saved.value = 'failed'
    }
  }
  watch(draft, () => {
    saved.value = 'no'
    clearTimeout(timer)
    timer = setTimeout(() => void save(), SAVE_AFTER_MS)
  }, { deep: true })

  const hidden = () => document.visibilityState === 'hidden' && void save()
  const turned = () => (online.value = navigator.onLine)
  document.addEventListener('visibilitychange', hidden)
  window.addEventListener('online', turned)
  window.addEventListener('offline', turned)
  onScopeDispose(() => {
    clearTimeout(timer)
    outbox.value?.stop()
    document.removeEventListener('visibilitychange', hidden)
    window.removeEventListener('online', turned)
    window.removeEventListener('offline', turned)
  })

  return {
    view, draft, kept, saved, sentKey, categories, categoriesFailed, loadCategories, outbox, user,
    waiting: computed(() => (void changes.value, [...(outbox.value?.items ?? [])])),
    sending: computed(() => (void changes.value, outbox.value?.sending ?? null)),
    connected: computed(() => (void changes.value, online.value && (outbox.value?.reachable ?? true))),
    receiptOf: (key: string) => (void changes.value, outbox.value?.done.get(key)),
    group,
    categoryName(code: string): string {
      const category = categories.value.find((other) => other.code === code)
      return category ? (locale.value === 'en' && category.name_en) || category.name : code
    },
    /** Opens the form. A draft of the same kind is gone on with: nothing written is lost by a tap. */
    begin(direct: boolean, wanted: CategoryGroup = 'hazard') {
      open(kept.value.find((one) => one.key === draftKey(user, direct)) ?? blank(direct), wanted)
    },
    resume(one: Draft) {
      open(one, 'hazard')
    },
    /** Opens a report that was not accepted again, to put it right. */
    async takeBack(key: string) {
      const taken = await outbox.value?.takeBack(key)
      if (taken) open(taken, 'hazard')
    },
    /** Why the server did not take a report, in words that say what to do. */
    refusedWords({ kind, detail, field }: NonNullable<Waiting['refused']>): string {
      if (kind !== 'invalid') return t(`error.${kind}`)
      const part = field?.replace(/\W.*$/, '')
      if (part === 'lon' || part === 'lat') return t('report.outside')
      if (part === 'photos' || part === 'text' || part === 'category' || part === 'address') {
        return t('report.badField', { field: t(`report.fields.${part}`) })
      }
      return t('error.invalid', { detail })
    },
    async discard() {
      clearTimeout(timer)
      const { key, direct } = draft.value
      await opening
      await store!.dropDraft(key, true).catch(() => undefined)
      draft.value = blank(direct)
      await loadKept()
    },
    /** Leaves the form; what was filled in stays as a draft to go on with. */
    async leave() {
      await save()
      view.value = 'home'
      await loadKept()
    },
    async savePhoto(photo: PhotoRef, bytes: ArrayBuffer) {
      await opening
      await store!.savePhoto(photo, bytes)
    },
    async photo(photo: PhotoRef) {
      await opening
      return store!.photo(photo)
    },
    async dropPhoto(id: string) {
      await opening
      await store!.dropPhoto(id)
    },
    async receipts() {
      await opening
      return store!.receipts(user)
    },
    async send(name: string) {
      clearTimeout(timer)
      await opening
      const plain: Draft = { ...draft.value, at: [...draft.value.at!], photos: draft.value.photos.map((p) => ({ ...p })) }
      sentKey.value = await outbox.value!.add(plain, name)
      draft.value = blank()
      clearTimeout(timer)
      view.value = 'sent'
      await loadKept()
    },
  }
}

function cachedCategories(): Category[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(CATEGORIES) ?? '[]')
    return Array.isArray(found) ? (found as Category[]) : []
  } catch {
    return []
  }
}

export type ReportState = ReturnType<typeof makeReport>
export const reportKey: InjectionKey<ReportState> = Symbol('report')

export function useReport(): ReportState {
  const state = inject(reportKey)
  if (!state) throw new Error('no report state provided')
  return state
}
