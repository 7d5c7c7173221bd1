import { onScopeDispose, ref } from 'vue'
import { useWords } from '../../i18n'
import type { Picture } from '../../picture/picture'
import { alertItem, before, incidentItem, type QueueItem } from './queue'

/** How long an arrival counts as new. */
const FRESH_MS = 8000
/** In a storm only so many are marked; all of them are in the queue. */
const FRESH_MAX = 50

/** What arrived after the snapshot: marked for a while, the gravest of each moment said in words. */
export function useArrivals(picture: Picture, titleOf: (item: QueueItem) => string) {
  const { t } = useWords()
  const fresh = ref(new Set<string>())
  const said = ref('')
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let seen = new Set<string>()

  const begin = () => {
    seen = new Set([...picture.incidents.keys(), ...picture.alerts.keys()])
  }

  function arrive(news: QueueItem[]) {
    const [gravest] = news.sort(before)
    if (!gravest) return
    const kind = t(gravest.kind === 'incident' ? 'queue.kindIncident' : 'queue.kindAlert')
    said.value = t('queue.fresh', { kind, title: titleOf(gravest) })
    for (const { key } of news.slice(0, FRESH_MAX - fresh.value.size)) {
      fresh.value.add(key)
      const timer = setTimeout(() => {
        timers.delete(timer)
        fresh.value.delete(key)
      }, FRESH_MS)
      timers.add(timer)
    }
  }

  function follow<T>(topic: 'incidents' | 'alerts', items: ReadonlyMap<string, T>, itemOf: (value: T) => QueueItem) {
    onScopeDispose(picture.on(topic, (ids) => {
      if (ids === null || seen.size > 8000) return begin()
      const news: QueueItem[] = []
      for (const id of ids) {
        const value = items.get(id)
        if (seen.has(id) || value === undefined) continue
        seen.add(id)
        news.push(itemOf(value))
      }
      arrive(news)
    }))
  }

  begin()
  follow('incidents', picture.incidents, incidentItem)
  follow('alerts', picture.alerts, alertItem)
  onScopeDispose(() => timers.forEach(clearTimeout))
  return { fresh, said }
}
