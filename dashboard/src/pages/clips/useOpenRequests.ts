/** How many requests for clips wait for this person; asked for while the page is in sight. */
import { onScopeDispose, ref } from 'vue'
import type { Session } from '../session'

const EVERY_MS = 10_000

export function useOpenRequests(session: Session) {
  const count = ref(0)
  let timer: ReturnType<typeof setTimeout> | undefined
  let gone = false

  async function look() {
    clearTimeout(timer)
    if (document.visibilityState === 'visible') {
      // What cannot be read now is read the next time: a count is no alarm.
      const answer = await session.api.clipRequests({ state: 'open' }).catch(() => null)
      if (answer) count.value = answer.items.length
    }
    if (!gone) timer = setTimeout(() => void look(), EVERY_MS)
  }
  const seen = () => document.visibilityState === 'visible' && void look()
  if (session.can('approve_clips')) {
    void look()
    document.addEventListener('visibilitychange', seen)
    onScopeDispose(() => {
      gone = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    })
  }
  return count
}
