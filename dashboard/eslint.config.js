import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'

// The rooms of src and what each may not import. Pages alone combine them all.
const rooms = {
  api: { folders: ['picture', 'live', 'map', 'wall', 'playback', 'pages', 'ui', 'i18n'], vue: false },
  picture: { folders: ['live', 'map', 'wall', 'playback', 'pages', 'ui', 'i18n'], vue: false },
  live: { folders: ['map', 'wall', 'playback', 'pages', 'ui', 'i18n'], vue: false },
  map: { folders: ['live', 'wall', 'playback', 'pages', 'ui', 'i18n'], vue: false },
  wall: { folders: ['live', 'map', 'playback', 'pages', 'ui', 'i18n'], vue: false },
  playback: { folders: ['picture', 'live', 'map', 'wall', 'pages', 'ui', 'i18n'], vue: false },
  ui: { folders: ['api', 'picture', 'live', 'map', 'wall', 'playback', 'pages'], vue: true },
  i18n: { folders: ['api', 'picture', 'live', 'map', 'wall', 'playback', 'pages', 'ui'], vue: true },
}

const layering = Object.entries(rooms).map(([room, { folders, vue: mayUseVue }]) => ({
  files: [`src/${room}/**/*.{ts,vue}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...folders.map((folder) => ({
            regex: `^(\\.\\./)+${folder}(/|$)`,
            message: `src/${room} may not import src/${folder} (see eslint.config.js).`,
          })),
          ...(mayUseVue
            ? []
            : [{ regex: '^(vue|vue-router|vue-i18n|element-plus)(/|$)', message: `src/${room} is plain TypeScript.` }]),
        ],
      },
    ],
  },
}))

export default ts.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      'no-undef': 'off', // the compiler knows better
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'vue/multi-word-component-names': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/attributes-order': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/no-v-html': 'error',
    },
  },
  ...layering,
)
