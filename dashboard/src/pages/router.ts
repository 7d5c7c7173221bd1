import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from 'vue-router'
import type { Me, Right } from '../api/types'
import type { Session } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    theme?: 'dark' | 'light'
    /** Needs a signed-in user with this right; without the right one is sent home. */
    right?: Right
    /** The live socket is open while this page is. */
    live?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./sign-in/SignIn.vue') },
  { path: '/', name: 'home', component: () => import('./Loading.vue'), meta: { right: 'view_map' } },
  { path: '/desk', name: 'desk', component: () => import('./desk/Desk.vue'), meta: { right: 'view_map', live: true } },
  { path: '/wall', name: 'wall', component: () => import('./wall/WallPage.vue'), meta: { right: 'watch_video', live: true } },
  { path: '/playback', name: 'playback', component: () => import('./playback/PlaybackPage.vue'), meta: { right: 'playback', live: true } },
  { path: '/cases/:id', name: 'case', component: () => import('./case/CasePage.vue'), meta: { right: 'read_cases' } },
  { path: '/requests', name: 'requests', component: () => import('./requests/RequestsPage.vue'), meta: { right: 'approve_clips', live: true } },
  { path: '/report', name: 'report', component: () => import('./report/Report.vue'), meta: { right: 'report', theme: 'light' } },
  { path: '/:rest(.*)*', name: 'lost', component: () => import('./Lost.vue') },
]

export function homeOf(me: Me): '/desk' | '/report' {
  return me.user.role === 'grid_leader' || me.user.role === 'handler' ? '/report' : '/desk'
}

/** Where to go after signing in: only a path of our own, never another site. */
export function returnPath(router: Router, wanted: unknown): string {
  if (typeof wanted !== 'string' || !/^\/(?![/\\])/.test(wanted)) return '/'
  const name = router.resolve(wanted).name
  return name === 'lost' || name === 'sign-in' ? '/' : wanted
}

export function makeRouter(session: Session): Router {
  const router = createRouter({ history: createWebHistory(), routes })

  router.beforeEach(async (to) => {
    const right = to.meta.right
    if (!right) {
      if (to.name !== 'sign-in') return true
      const me = await session.known(false).catch(() => null)
      return me ? returnPath(router, to.query.next) : true
    }
    let me: Me | null
    try {
      me = await session.known(to.name !== 'home')
    } catch {
      // Unreachable: the phone's page works from its own store, the others cannot begin.
      return { name: 'sign-in', query: { next: to.fullPath, why: 'network' } }
    }
    if (!me) return { name: 'sign-in', query: to.path === '/' ? {} : { next: to.fullPath } }
    if (to.name === 'home' || !me.rights.includes(right)) {
      const home = homeOf(me)
      return home === to.path ? { name: 'lost' } : home
    }
    return true
  })

  router.afterEach((to) => {
    document.documentElement.dataset['theme'] = to.meta.theme ?? 'dark'
    document
      .querySelector('meta[name="theme-color"]')
      ?.setAttribute('content', to.meta.theme === 'light' ? '#ffffff' : '#0f1823')
    if (to.meta.live) session.live.open()
    else session.live.close()
  })

  session.onEnded = () => {
    const at = router.currentRoute.value
    if (at.name === 'sign-in') return
    void router.push({ name: 'sign-in', query: { next: at.fullPath, why: 'ended' } })
  }
  return router
}
