import { useWords } from '../../i18n'
import type { QueueItem } from './queue'

type Categories = ReadonlyMap<string, { name: string; name_en: string }>

/** What incidents and alarms are called, in the language of the moment. */
export function useQueueWords(categories: () => Categories) {
  const { t, term, locale } = useWords()

  const categoryName = (code: string): string => {
    const category = categories().get(code)
    if (!category) return code
    return (locale.value === 'en' && category.name_en) || category.name
  }

  const titleOf = (item: QueueItem): string => {
    if (item.kind === 'alert') {
      const what = term('alarm', item.alert.kind)
      const where = item.alert.camera_name || item.alert.text
      return where ? `${what} · ${where}` : what
    }
    const text = item.incident.text.trim()
    return text.split('\n', 1)[0] || categoryName(item.incident.category)
  }

  /** The second line: where, and who says so. */
  const metaOf = (item: QueueItem): string => {
    if (item.kind === 'alert') return [item.alert.grid_name || item.alert.area_name, item.alert.source_name].filter(Boolean).join(' · ')
    const { grid_name, area_name, channel } = item.incident
    return [grid_name || area_name, t(`channel.${channel}`)].filter(Boolean).join(' · ')
  }

  return { titleOf, metaOf, categoryName }
}
