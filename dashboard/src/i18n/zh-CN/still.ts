/** 最后一帧画面的用语。 */
export default {
  label: '{name} 的最后画面',
  age: '{span}前',
  now: '刚刚',
  absent: '暂无留存画面',
  unreadable: '此浏览器无法显示该画面',
}
