import { describe, expect, it } from 'vitest'
import { keyframeUrl, snapshotUrl } from './stills'

describe('the addresses of stills', () => {
  it('hold any name of a camera', () => {
    expect(keyframeUrl('cam000')).toBe('/api/v1/cameras/cam000/keyframe.mp4')
    expect(keyframeUrl('a/b?', 'sub')).toBe('/api/v1/cameras/a%2Fb%3F/keyframe.mp4?profile=sub')
    expect(snapshotUrl('cam000', 'main')).toBe('/api/v1/cameras/cam000/snapshot.jpg?profile=main')
  })
})
