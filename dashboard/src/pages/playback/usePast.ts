/** What was, beside what is live: the wall's way to the record. */
import { useRouter } from 'vue-router'
import { useWords } from '../../i18n'
import { GrantedDoor, Rewind } from '../../playback'
import type { Past, PastDoor } from '../../wall'
import type { Session } from '../session'

/** caseCode: what one is at work on, if anything. */
export function usePast(session: Session, caseCode: () => string | undefined = () => undefined): PastDoor | undefined {
  const { t, words } = useWords()
  const router = useRouter()
  if (!session.can('playback')) return undefined
  const { picture, api } = session

  function full(camera: string, at: number) {
    void router.push({ path: '/playback', query: { c: camera, at: new Date(at).toISOString(), case: caseCode() } })
  }

  function open(camera: string, stage: HTMLElement, ms: number): Past | null {
    // Who must name a case is asked for it on the page of its own.
    if (session.me.value?.user.role === 'leader') {
      full(camera, picture.now() - ms)
      return null
    }
    const door = new GrantedDoor(api, { purpose: t('playback.purpose.rewind') }, [camera])
    const rewind = new Rewind({ camera, profile: 'main', stage, door, serverNow: () => picture.now() }, ms)
    return {
      view() {
        const { at, paused, said } = rewind.view(words)
        return { at, paused, title: said.title, reason: said.reason, next: said.next, waiting: said.state === 'loading' }
      },
      back: (by) => rewind.shift(-by),
      toggle: () => rewind.toggle(),
      close() {
        rewind.close()
        door.close()
      },
    }
  }

  return { open, full }
}
