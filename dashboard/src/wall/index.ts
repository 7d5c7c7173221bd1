export { Wall, DRAG_TYPE, type ShowOptions, type WallOptions } from './wall'
export { LAYOUTS, isLayout, type Layout } from './layout'
export { reasonOf, span, type Words } from './words'
