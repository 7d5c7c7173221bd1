/**
 * Addresses of a camera's last picture. Answers tell in X-Picture-Age how many seconds old it is;
 * a camera without one answers 503, a server that cannot make a JPEG 501.
 */

/** The last key frame as an MP4 of one frame; left out, the profile is the one that is there. */
export function keyframeUrl(camera: string, profile?: 'main' | 'sub'): string {
  return `${of(camera)}/keyframe.mp4${query(profile)}`
}

/** The same as a JPEG, for browsers that cannot decode the camera's codec; the server needs ffmpeg for it. */
export function snapshotUrl(camera: string, profile?: 'main' | 'sub'): string {
  return `${of(camera)}/snapshot.jpg${query(profile)}`
}

function of(camera: string): string {
  return `/api/v1/cameras/${encodeURIComponent(camera)}`
}

function query(profile?: string): string {
  return profile ? `?profile=${profile}` : ''
}
