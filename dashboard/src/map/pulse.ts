/**
 * A pulsing ring around the newest arrival: one DOM element, animated by the compositor, so that the
 * map itself does not have to be drawn again for it.
 */
import { Marker, type Map as MapLibre } from 'maplibre-gl'
import type { LonLat } from '../api/types'

/** Long enough to be found by someone who was looking away. */
export const PULSE_MS = 20_000

export class Pulse {
  #marker: Marker | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly map: MapLibre) {}

  at(place: LonLat, offset: [number, number], colour: string): void {
    this.stop()
    const element = document.createElement('div')
    element.className = 'se-map-pulse'
    element.setAttribute('aria-hidden', 'true')
    element.style.setProperty('--pulse', colour)
    element.append(document.createElement('i'), document.createElement('i'))
    this.#marker = new Marker({ element, anchor: 'center', offset }).setLngLat(place).addTo(this.map)
    this.#timer = setTimeout(() => this.stop(), PULSE_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#marker?.remove()
    this.#marker = null
  }
}
