/** A request for a clip: checked here, sent once however often it is pressed. */
import { computed, ref, watch, type Ref } from 'vue'
import { useWords } from '../../i18n'
import type { Span } from '../../playback'
import { faultWords } from '../format'
import { makeKey } from '../report/outbox'
import type { Session } from '../session'

export interface RequestForm {
  cameras: Ref<string[]>
  span: Ref<Span | null>
  reason: Ref<string>
  /** What is said of each part that is missing. */
  words: Readonly<Ref<{ cameras: string; span: string; reason: string }>>
}

export function useClipRequest(session: Session, caseId: () => string, form: RequestForm) {
  const { t } = useWords()
  const busy = ref(false)
  const sent = ref(false)
  const tried = ref(false)
  const failed = ref('')
  /** One key for one request: sent again after a lost answer it is the same. */
  let key = makeKey()
  const missing = computed(() => {
    const { cameras, span, reason, words } = form
    if (cameras.value.length === 0) return words.value.cameras
    if (!span.value) return words.value.span
    return reason.value.trim() ? '' : words.value.reason
  })
  watch([form.cameras, form.span, form.reason], () => {
    key = makeKey()
    failed.value = ''
    if (form.reason.value) sent.value = false
  }, { deep: true })

  async function send(): Promise<boolean> {
    tried.value = true
    if (missing.value || busy.value) return false
    busy.value = true
    try {
      const { from, to } = form.span.value!
      await session.api.requestClip(caseId(), {
        cameras: form.cameras.value, from: new Date(from).toISOString(), to: new Date(to).toISOString(), reason: form.reason.value.trim(),
      }, key)
      tried.value = false
      form.reason.value = ''
      sent.value = true
      return true
    } catch (cause) {
      failed.value = faultWords(cause, t)
      return false
    } finally {
      busy.value = false
    }
  }

  return { send, busy, sent, fault: computed(() => failed.value || missing.value), shown: computed(() => failed.value !== '' || (tried.value && missing.value !== '')) }
}
