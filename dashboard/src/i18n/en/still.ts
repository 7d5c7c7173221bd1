/** Words of a camera's last picture. */
export default {
  label: 'Last picture of {name}',
  age: '{span} ago',
  now: 'just now',
  absent: 'No picture kept',
  unreadable: 'This browser cannot show the picture',
}
