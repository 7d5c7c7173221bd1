export { GrantedDoor, type MediaDoor, type Reason } from './door'
export { MOST_CAMERAS, Playback, RATES, type PlaybackView, type Rate } from './player'
export { Rewind } from './rewind'
export { Strip } from './strip'
export {
  DAY, HOUR, LONGEST_MS, MINUTE, SECOND, lastFootage, nextFootage, nextMark, parseTime, type Gap, type Lane, type Mark, type Span,
} from './timeline'
export { clock, clockMs, day, length, type Words } from './words'
