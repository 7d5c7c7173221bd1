import { createApp } from 'vue'
import { makeI18n } from './i18n'
import App from './pages/App.vue'
import { makeRouter } from './pages/router'
import { Session, sessionKey } from './pages/session'
import './styles/tokens.css'
import './styles/base.css'
import './styles/element.css'

const session = new Session()
createApp(App).use(makeI18n()).use(makeRouter(session)).provide(sessionKey, session).mount('#app')
