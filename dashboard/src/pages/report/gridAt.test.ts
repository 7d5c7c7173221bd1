import { expect, it } from 'vitest'
import type { FeatureCollection, GridProps } from '../../api/types'
import { gridAt } from './gridAt'

const square = (x: number, y: number, size: number) => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
const grids = {
  type: 'FeatureCollection',
  features: [
    { type: 'Feature', geometry: { type: 'Polygon', coordinates: [square(0, 0, 10), square(4, 4, 2)] }, properties: { id: 'holed' } },
    { type: 'Feature', geometry: { type: 'MultiPolygon', coordinates: [[square(20, 0, 1)], [square(30, 0, 1)]] }, properties: { id: 'parts' } },
  ],
} as unknown as FeatureCollection<GridProps>

it.each([
  [1, 1, 'holed'],
  [5, 5, undefined],
  [20.5, 0.5, 'parts'],
  [30.5, 0.5, 'parts'],
  [15, 5, undefined],
])('%d %d is in %s', (lon, lat, id) => expect(gridAt([lon, lat], grids)?.id).toBe(id))
