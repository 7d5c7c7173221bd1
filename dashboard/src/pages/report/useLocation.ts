import { onScopeDispose, ref } from 'vue'
import type { LonLat } from '../../api/types'

export type Locating = 'idle' | 'locating' | 'found' | 'denied' | 'failed' | 'insecure'

/** Good enough to stop looking. */
const FINE_M = 15
/** Worse than this, a person should put the pin right. */
export const ROUGH_M = 50
const PATIENCE_MS = 20_000

/** The phone's place: the best fix within a while, told as it gets better. */
export function useLocation(found: (at: LonLat, accuracy: number) => void) {
  const state = ref<Locating>('idle')
  let watch: number | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let best = Infinity

  function stop() {
    if (watch !== null) navigator.geolocation.clearWatch(watch)
    watch = null
    clearTimeout(timer)
    if (state.value === 'locating') state.value = best < Infinity ? 'found' : 'failed'
  }

  function start() {
    if (watch !== null) return
    if (!('geolocation' in navigator)) return void (state.value = 'failed')
    if (!window.isSecureContext) return void (state.value = 'insecure')
    state.value = 'locating'
    best = Infinity
    watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        if (coords.accuracy >= best) return
        best = coords.accuracy
        found([coords.longitude, coords.latitude], coords.accuracy)
        state.value = 'found'
        if (best <= FINE_M) stop()
      },
      (fault) => {
        if (best < Infinity) return stop()
        state.value = fault.code === fault.PERMISSION_DENIED ? 'denied' : 'failed'
        stop()
      },
      { enableHighAccuracy: true, maximumAge: 30_000, timeout: PATIENCE_MS },
    )
    timer = setTimeout(stop, PATIENCE_MS)
  }

  onScopeDispose(stop)
  return { state, start, stop }
}
