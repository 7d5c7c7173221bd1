import { createApp } from 'vue'
import { makeI18n } from './i18n'
import App from './pages/App.vue'
import { makeRouter } from './pages/router'
import { Session, sessionKey } from './pages/session'
import './styles/tokens.css'
import './styles/base.css'
import './styles/element.css'

// A page opened before the server was renewed asks for files that are gone: read it anew,
// but not over and over when the files are truly missing.
const RELOADED = 'sharpeyes.reloaded'
window.addEventListener('vite:preloadError', () => {
  try {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < 30_000) return
    sessionStorage.setItem(RELOADED, String(Date.now()))
    window.location.reload()
  } catch {
    // Without storage a loop could not be told: leave the page as it is.
  }
})

const session = new Session()
createApp(App).use(makeI18n()).use(makeRouter(session)).provide(sessionKey, session).mount('#app')
