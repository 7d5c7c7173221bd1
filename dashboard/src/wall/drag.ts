/** Cameras carried to tiles with the mouse: from the list, or from one tile to another. */
import type { On } from './events'

export const DRAG_TYPE = 'application/x-sharpeyes-camera'
const DRAG_SLOT = 'application/x-sharpeyes-slot'

export interface DragTarget {
  /** The tile under the mouse, below 0 for none. */
  slotAt(event: Event): number
  cameraAt(slot: number): string | null
  swap(from: number, to: number): void
  drop(camera: string, slot: number): void
}

export function listenDrag(on: On, root: HTMLElement, target: DragTarget): void {
  on<DragEvent>(root, 'dragstart', (event) => {
    const slot = target.slotAt(event)
    if (slot < 0) return
    event.dataTransfer?.setData(DRAG_SLOT, String(slot))
    const camera = target.cameraAt(slot)
    if (camera) event.dataTransfer?.setData(DRAG_TYPE, camera)
  })
  on<DragEvent>(root, 'dragover', (event) => {
    if (event.dataTransfer?.types.includes(DRAG_TYPE)) event.preventDefault()
  })
  on<DragEvent>(root, 'drop', (event) => {
    const slot = target.slotAt(event)
    const camera = event.dataTransfer?.getData(DRAG_TYPE)
    if (slot < 0 || !camera) return
    event.preventDefault()
    const from = event.dataTransfer?.getData(DRAG_SLOT)
    if (from) target.swap(Number(from), slot)
    else target.drop(camera, slot)
  })
}
