import { computed, onScopeDispose, shallowRef, triggerRef, type ComputedRef } from 'vue'
import type { Picture, Topic } from '../picture/picture'

/** A value read from the picture, read again whenever one of the topics changed. */
export function usePicture<T>(picture: Picture, topics: readonly Topic[], read: () => T): ComputedRef<T> {
  const changed = shallowRef(0)
  for (const topic of topics) onScopeDispose(picture.on(topic, () => triggerRef(changed)))
  return computed(() => {
    void changed.value
    return read()
  })
}

/** Counts up every `ms` while the component lives: read it where the time of day matters. */
export function useNow(picture: Picture, ms = 1000) {
  const now = shallowRef(picture.now())
  const timer = setInterval(() => (now.value = picture.now()), ms)
  onScopeDispose(() => clearInterval(timer))
  return now
}
