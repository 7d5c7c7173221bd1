/** The playback page's state: cameras, what is recorded of them, the purpose, the player and the timeline. */
import { computed, onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Case, Profile, Recordings } from '../../api/types'
import { useWords } from '../../i18n'
import {
  DAY, GrantedDoor, HOUR, LONGEST_MS, MINUTE, MOST_CAMERAS, Playback, RATES, SECOND, Strip, lastFootage, length, nextFootage, nextMark, type Mark, type PlaybackView, type Rate, type Span,
} from '../../playback'
import { usePlaces } from '../desk/usePlaces'
import type { Session } from '../session'
import { usePicture } from '../usePicture'
import type { PlaybackAction } from './keys'
import type { Given } from './PurposeGate.vue'
import { lanesFor, marksOf, merge, profileOf, type Known } from './recordings'

/** What was recorded meanwhile is asked for so often, for the last minutes. */
const TAIL_EVERY_MS = 5_000
const TAIL_MS = 2 * MINUTE
/** Where nothing else is said the page begins so long ago. */
const BEGIN_MS = MINUTE
/** More marks than this are told only of what is in sight. */
const MARKS_MOST = 500
const SAID_MS = 4_000
const SPANS = [LONGEST_MS, DAY, HOUR, 5 * MINUTE] as const
const STILL: PlaybackView = { at: 0, playing: false, waiting: false, rate: 1, selected: 0, states: [], ended: false, skipped: null, sound: false }

export function usePlayback(session: Session, stage: Ref<HTMLElement | undefined>, foot: Ref<HTMLElement | undefined>) {
  const { t, term, words, locale } = useWords()
  const route = useRoute()
  const router = useRouter()
  const { picture, api } = session
  const { categories } = usePlaces(session)
  const now = () => picture.now()
  const text = (value: unknown) => (typeof value === 'string' ? value : '')

  const cameras = ref<string[]>(text(route.query['c']).split(',').filter(Boolean).slice(0, MOST_CAMERAS))
  const known = shallowRef<Known>(new Map())
  const marks = shallowRef<Mark[]>([])
  const profile = ref<Profile>('main')
  const given = shallowRef<Given | null>(null)
  /** The case that the address names is being read: nobody is asked why before that is known. */
  const opening = ref(false)
  const state = ref<'idle' | 'finding' | 'ready' | 'none' | 'failed'>('idle')
  const view = shallowRef<PlaybackView>({ ...STILL, at: Date.parse(text(route.query['at'])) || now() - BEGIN_MS })
  const range = shallowRef<Span | null>(null)
  const said = ref('')
  const names = usePicture(picture, ['cameras'], () => picture.cameras)
  const nameOf = (id: string) => names.value.get(id)?.name ?? id
  const lanes = computed(() => lanesFor(known.value, cameras.value, profile.value))
  const profileFor = (camera: string) => profileOf(known.value, camera, profile.value)
  const profiles = computed(() => (['main', 'sub'] as const).filter((one) => cameras.value.some((camera) => known.value.get(camera)?.get(one)?.ranges.length)))
  const needsCase = session.me.value?.user.role === 'leader'

  let player: Playback | null = null
  let strip: Strip | null = null
  let door: GrantedDoor | null = null
  let asking: AbortController | null = null
  let tail: ReturnType<typeof setTimeout> | undefined
  let saidTimer: ReturnType<typeof setTimeout> | undefined
  let urlTimer: ReturnType<typeof setTimeout> | undefined
  /** The first answer says where playing begins. */
  let begun = false
  let manyMarks = false

  function tell(words: string) {
    said.value = words
    clearTimeout(saidTimer)
    saidTimer = setTimeout(() => (said.value = ''), SAID_MS)
  }

  const iso = (span: Span) => ({ from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() })
  const wordsOfMarks = {
    alert: (kind: string) => term('alarm', kind),
    category: (code: string) => {
      const category = categories.value.get(code)
      return category ? (locale.value === 'en' && category.name_en) || category.name : code
    },
    nameOf,
  }

  /** Of both streams: of some cameras only the small one is recorded. */
  async function ask(over: Span, signal?: AbortSignal): Promise<Recordings> {
    const [main, sub] = await Promise.all((['main', 'sub'] as const).map((one) => api.recordings(cameras.value, one, iso(over), signal)))
    return { ...main!, items: [...main!.items, ...sub!.items] }
  }

  /** What is recorded of the chosen cameras, as far back as it may be asked for. */
  async function find() {
    asking?.abort()
    clearTimeout(tail)
    if (cameras.value.length === 0) return void (state.value = 'idle')
    const mine = (asking = new AbortController())
    if (state.value !== 'ready') state.value = 'finding'
    const over = { from: now() - LONGEST_MS + MINUTE, to: now() }
    try {
      const answer = await ask(over, mine.signal)
      if (mine.signal.aborted) return
      known.value = merge(known.value, answer.items, over)
      marks.value = marksOf(answer, wordsOfMarks)
      manyMarks = answer.alerts.length >= MARKS_MOST || answer.cases.length >= MARKS_MOST
      state.value = lanes.value.some((lane) => lane.ranges.length > 0) ? 'ready' : 'none'
      tail = setTimeout(() => void follow(), TAIL_EVERY_MS)
    } catch {
      if (!mine.signal.aborted) state.value = 'failed'
      return
    }
    load()
  }

  /** The record grows while one looks. */
  async function follow() {
    const over = { from: now() - TAIL_MS, to: now() }
    try {
      const answer = await ask(over, asking?.signal)
      known.value = merge(known.value, answer.items, over)
      if (state.value === 'none' && lanes.value.some((lane) => lane.ranges.length > 0)) {
        state.value = 'ready'
        load()
      }
    } catch {
      // What is known stays, and the next try may bring it.
    }
    if (!asking?.signal.aborted) tail = setTimeout(() => void follow(), TAIL_EVERY_MS)
  }

  /** Alarms and cases of what is in sight, where those of all the time were too many. */
  async function sight(win: Span) {
    if (!manyMarks || cameras.value.length === 0) return
    const answer = await api.recordings(cameras.value, 'main', iso({ from: win.from, to: Math.min(win.to, now()) }), asking?.signal).catch(() => null)
    if (answer) marks.value = marksOf(answer, wordsOfMarks)
  }

  function load() {
    if (!given.value || cameras.value.length === 0 || !stage.value || state.value !== 'ready') return
    door ??= new GrantedDoor(api, { purpose: given.value.purpose, caseId: given.value.case?.id }, cameras.value)
    door.setCameras(cameras.value)
    player ??= new Playback(stage.value, { door, viewer: session.me.value?.user.name ?? '', t: words, nameOf, serverNow: now, onChange: told })
    player.setLanes(lanes.value)
    const at = begun ? view.value.at : start()
    player.load(cameras.value, new Map(cameras.value.map((camera) => [camera, profileFor(camera)])), at)
    if (!begun) player.play()
    begun = true
    told()
  }

  /** Where it begins: at the wanted time, or at the last footage before it. */
  function start(): number {
    const at = view.value.at
    const last = lastFootage(lanes.value, at)
    if (last === null) return nextFootage(lanes.value, at) ?? at
    return last < at ? last - 10 * SECOND : at
  }

  function told() {
    if (!player) return
    const before = view.value
    view.value = player.view()
    strip?.setTime(view.value.at, view.value.playing)
    strip?.setSelected(view.value.selected)
    const { skipped } = view.value
    if (skipped && skipped.to !== before.skipped?.to) tell(t('playback.page.skipped', { time: length(skipped.to - skipped.from, words) }))
    if (view.value.ended && !before.ended) tell(t('playback.page.ended'))
    if (before.playing && !view.value.playing) remember()
  }

  /** The address says what is shown, so that it can be opened again. */
  function remember() {
    clearTimeout(urlTimer)
    urlTimer = setTimeout(() => {
      const query = { ...route.query, c: cameras.value.join(',') || undefined, at: new Date(view.value.at).toISOString(), case: given.value?.case?.code }
      void router.replace({ query })
    }, 500)
  }

  function take(id: string) {
    if (cameras.value.includes(id)) return remove(id)
    const kept = cameras.value.slice(-(MOST_CAMERAS - 1))
    if (cameras.value.length === MOST_CAMERAS) tell(t('playback.page.full', { n: MOST_CAMERAS }))
    cameras.value = [...kept, id]
  }
  function remove(id: string) {
    cameras.value = cameras.value.filter((one) => one !== id)
  }

  function give(next: Given) {
    given.value = next
    // What is looked at from now on is looked at for this.
    player?.destroy()
    door?.close()
    player = door = null
    load()
    remember()
  }

  function seek(at: number) {
    if (!player) {
      view.value = { ...view.value, at: Math.min(at, now()) }
      strip?.setTime(view.value.at, false)
      return
    }
    player.seek(at)
    strip?.setTime(at, true)
    remember()
  }

  function setRate(rate: Rate) {
    player?.setRate(rate)
  }
  function faster(by: 1 | -1) {
    const next = RATES[RATES.indexOf(view.value.rate) + by]
    if (next !== undefined) setRate(next)
  }
  function mark(direction: 1 | -1) {
    const found = nextMark(marks.value, view.value.at, direction)
    if (!found) return
    seek(found.at)
    tell(found.label)
  }

  const shown = () => player?.picture() ?? { from: view.value.at, to: view.value.at }

  const acts: Partial<Record<PlaybackAction, () => void>> = {
    play: () => player?.toggle(), earlier: () => seek(view.value.at - 10 * SECOND), later: () => seek(view.value.at + 10 * SECOND),
    muchEarlier: () => seek(view.value.at - MINUTE), muchLater: () => seek(view.value.at + MINUTE), frame: () => player?.stepForward(),
    key: () => void player?.stepBack(), slower: () => faster(-1), faster: () => faster(1), zoomIn: () => strip?.zoomBy(2), zoomOut: () => strip?.zoomBy(0.5),
    panLeft: () => strip?.panBy(-0.25), panRight: () => strip?.panBy(0.25), previousMark: () => mark(-1), nextMark: () => mark(1),
    in: () => strip?.setEdge('from', shown().from), out: () => strip?.setEdge('to', shown().to), clear: () => strip?.setRange(null),
    sound: () => player?.toggleSound(), retry: () => player?.retry(), now: () => seek((lastFootage(lanes.value, now()) ?? now()) - 5 * SECOND),
    select0: () => player?.select(0), select1: () => player?.select(1), select2: () => player?.select(2), select3: () => player?.select(3),
    span0: () => strip?.showLength(SPANS[0]), span1: () => strip?.showLength(SPANS[1]), span2: () => strip?.showLength(SPANS[2]), span3: () => strip?.showLength(SPANS[3]),
  }

  watch([lanes, marks], () => {
    strip?.show(lanes.value, marks.value)
    player?.setLanes(lanes.value)
  })
  watch(cameras, () => {
    if (cameras.value.length === 0) {
      player?.destroy()
      player = null
    }
    load()
    void find()
    remember()
  })
  watch(locale, () => {
    player?.setWords(words)
    strip?.setWords(words)
  })
  watch(profile, () => load())

  async function openCase(code: string) {
    opening.value = true
    try {
      const found = await api.case(code)
      given.value = { purpose: t('playback.purpose.ofCase', { code: found.code }), case: found }
      load()
    } catch {
      // Then one is asked for a purpose, as without it.
    } finally {
      opening.value = false
    }
  }

  onMounted(() => {
    strip = new Strip(foot.value!, {
      t: words, nameOf, serverNow: now, onSeek: seek, onRange: (next) => (range.value = next), onWindow: (win) => void sight(win), onSelect: (i) => player?.select(i),
    })
    strip.setTime(view.value.at, false)
    strip.show(lanes.value, marks.value)
    const [from, to] = [Date.parse(text(route.query['from'])), Date.parse(text(route.query['to']))]
    if (from < to) {
      strip.setRange({ from, to })
      strip.showSpan({ from: from - (to - from), to: to + (to - from) })
    } else strip.showLength(HOUR)
    const code = text(route.query['case'])
    if (code && session.can('read_cases')) void openCase(code)
    void find()
  })
  onBeforeUnmount(() => {
    asking?.abort()
    for (const timer of [tail, saidTimer, urlTimer]) clearTimeout(timer)
    player?.destroy()
    door?.close()
    strip?.destroy()
  })

  return {
    cameras, lanes, given, opening, view, range, state, profile, profiles, said, needsCase, nameOf, profileFor, find, take, remove, give, seek, setRate,
    setProfile: (next: Profile) => (profile.value = next),
    setRange: (next: Span | null) => strip?.setRange(next),
    setCase: (next: Case | null) => given.value && (given.value = { ...given.value, case: next }),
    showRange: () => range.value && strip?.showSpan({ from: range.value.from - (range.value.to - range.value.from) / 4, to: range.value.to + (range.value.to - range.value.from) / 4 }),
    playRange: () => {
      if (!range.value || !player) return
      seek(range.value.from)
      player.play()
    },
    act: (action: PlaybackAction) => acts[action]?.(),
  }
}
