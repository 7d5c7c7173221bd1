/** 地图的用词。 */
export default {
  label: '指挥地图。方向键移动，加减键缩放',
  pick_label: '选择地点的地图。方向键移动，回车选中央',
  pin: '选定的地点',
  unable: '这台设备画不了地图',
  unable_hint: '请在浏览器中启用 WebGL（硬件加速）后刷新',
  zoom_in: '放大',
  zoom_out: '缩小',
  home: '回到本辖区',
  layers: '图层',
  here: '此处共 {n} 项',
  layer: { cones: '视锥', cameras: '摄像机', grids: '网格', areas: '区划', incidents: '事件', alerts: '告警' },
  kind: { camera: '摄像机', incident: '事件', alert: '告警' },
  look: { live: '在线', idle: '待命', stale: '无画面', offline: '离线', connecting: '连接中' },
}
