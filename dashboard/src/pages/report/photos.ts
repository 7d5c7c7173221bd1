/** Which files may go along. The server looks again; here it is about telling at once. */
export const PHOTOS_MAX = 6
export const PHOTO_BYTES_MAX = 10 * 1024 * 1024

export type PhotoType = 'image/jpeg' | 'image/png' | 'image/webp'

/** Judged by the first bytes, not by the name: phones name HEIC files .jpg. */
export function photoType(head: Uint8Array): PhotoType | null {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte)
  const text = (from: number, to: number) => String.fromCharCode(...head.slice(from, to))
  if (starts(0xff, 0xd8, 0xff)) return 'image/jpeg'
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png'
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'image/webp'
  return null
}
