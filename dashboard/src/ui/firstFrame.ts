/** Draws the first frame of a film on a canvas, by a video element that is nowhere in the page and gone afterwards. */
export async function drawFirstFrame(file: Blob, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<void> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(file)
  video.muted = true
  video.preload = 'auto'
  try {
    await new Promise<void>((done, failed) => {
      // At "loadeddata" Chromium draws nothing one time in twenty; a frame that was presented it draws.
      if (typeof video.requestVideoFrameCallback === 'function') video.requestVideoFrameCallback(() => done())
      else video.onloadeddata = () => done()
      video.onerror = () => failed(new Error('the picture cannot be decoded'))
      signal.addEventListener('abort', () => failed(new Error('no longer wanted')), { once: true })
      video.src = url
    })
    put(video, video.videoWidth, video.videoHeight, canvas)
  } finally {
    video.onloadeddata = video.onerror = null
    video.removeAttribute('src')
    video.load() // gives the decoder back: a page has few of them
    URL.revokeObjectURL(url)
  }
}

/** Draws a JPEG. */
export async function drawPhoto(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  const bitmap = await createImageBitmap(file)
  put(bitmap, bitmap.width, bitmap.height, canvas)
  bitmap.close()
}

function put(picture: CanvasImageSource, width: number, height: number, canvas: HTMLCanvasElement): void {
  if (width === 0 || height === 0) throw new Error('the picture is empty')
  canvas.width = width
  canvas.height = height
  canvas.getContext('2d')!.drawImage(picture, 0, 0)
}
