/** Words of the map. */
export default {
  label: 'Command map. Arrow keys move, plus and minus zoom',
  pick_label: 'Map to choose a place. Arrow keys move, Enter takes the middle',
  pin: 'The chosen place',
  unable: 'This device cannot draw the map',
  unable_hint: 'Switch on WebGL (hardware acceleration) in the browser and reload',
  zoom_in: 'Zoom in',
  zoom_out: 'Zoom out',
  home: 'Back to your area',
  layers: 'Layers',
  here: '{n} items here',
  layer: { cones: 'View cones', cameras: 'Cameras', grids: 'Grids', areas: 'Areas', incidents: 'Incidents', alerts: 'Alerts' },
  kind: { camera: 'Camera', incident: 'Incident', alert: 'Alert' },
  look: { live: 'Online', idle: 'Ready', stale: 'No picture', offline: 'Offline', connecting: 'Connecting' },
}
