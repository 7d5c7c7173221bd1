export { createCommandMap, type CommandMap, type CommandMapOptions, type LayerName, type Places, type Selected } from './command'
export { createPickMap, type PickMap, type PickMapOptions } from './pick'
export type { Bbox } from './engine'
export type { Theme } from './theme'
