import { onScopeDispose, shallowRef } from 'vue'
import type { Category, Grid } from '../../api/types'
import type { Session } from '../session'

/** Grids and categories by id; read again when places change. Missing ones cost a name, never the page. */
export function usePlaces(session: Session) {
  const grids = shallowRef<ReadonlyMap<string, Grid>>(new Map())
  const categories = shallowRef<ReadonlyMap<string, Category>>(new Map())

  const loadGrids = async () => {
    const { items } = await session.api.grids()
    grids.value = new Map(items.map((grid) => [grid.id, grid]))
  }
  const loadCategories = async () => {
    const { items } = await session.api.categories()
    categories.value = new Map(items.map((category) => [category.code, category]))
  }
  const load = () => void Promise.allSettled([loadGrids(), loadCategories()])
  load()
  // Signing out empties the picture, too: then there is nobody to read for.
  onScopeDispose(session.picture.on('places', () => session.me.value && load()))
  return { grids, categories }
}
