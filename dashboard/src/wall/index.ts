export { DRAG_TYPE } from './drag'
export { Wall, type ShowOptions, type WallOptions } from './wall'
export { LAYOUTS, isLayout, type Layout } from './layout'
export { reasonOf, span, type Words } from './words'
