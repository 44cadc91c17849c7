// What a page does to somebody with poor eyes, a thick finger or a screen reader: a list of faults.
const faults = []
const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 90)}`)

const shown = (element) => {
  const box = element.getBoundingClientRect()
  const style = getComputedStyle(element)
  return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && box.right > 0
}

const channels = (colour) => colour.match(/[\d.]+/g).map(Number)

/** Relative luminance (WCAG 2.2) of a colour. */
const luminance = (colour) => {
  const [r, g, b] = channels(colour).map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** The first ground behind an element that is not see-through. */
const groundOf = (element) => {
  for (let behind = element; behind; behind = behind.parentElement) {
    const colour = getComputedStyle(behind).backgroundColor
    if (channels(colour)[3] !== 0) return colour
  }
  return 'rgb(255, 255, 255)'
}

const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

// The page as a whole.
if (!document.documentElement.lang) faults.push('no language')
if (!document.title.trim()) faults.push('no title')
if (!document.querySelector('meta[name=viewport]')) faults.push('no viewport')
if (document.querySelectorAll('main').length !== 1) faults.push('not one main')
if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1')
const whole = document.documentElement
if (whole.scrollWidth > whole.clientWidth) faults.push('wider than the screen')
if (!document.querySelector('a.skip[href="#main"]')) faults.push('no way past the header')
const ids = [...document.querySelectorAll('[id]')].map((element) => element.id)
for (const id of new Set(ids)) if (ids.filter((x) => x === id).length > 1) faults.push(`id ${id} twice`)
for (const name of ['for', 'aria-describedby', 'aria-labelledby']) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    for (const id of element.getAttribute(name).trim().split(/\s+/)) {
      if (!document.getElementById(id)) say(`${name} names nothing`, element)
    }
  }
}

// Every field has a label, every button and link a name, and all of them are large enough.
for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
  if (!field.labels?.length || !field.labels[0].textContent.trim()) say('no label', field)
  if (!field.autocomplete && field.type !== 'checkbox') say('no autocomplete', field)
}
for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden])')) {
  if (!shown(element)) continue
  const target = element.type === 'checkbox' ? element.labels[0] : element
  const { width, height } = target.getBoundingClientRect()
  if (width < 44 || height < 44) say(`target of ${width.toFixed()} x ${height.toFixed()}`, element)
  const name = element.textContent.trim() || element.getAttribute('aria-label')
  if (element.tagName !== 'INPUT' && !name) say('no name', element)
}
for (const element of document.querySelectorAll('[tabindex]')) {
  if (element.tabIndex > 0) say('an order of its own', element)
}

// Every text can be read: 18 pixels at least, and 4.5 to 1 against its ground (WCAG 1.4.3).
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
let texts = 0
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement
  if (!walker.currentNode.textContent.trim() || !shown(element)) continue
  if (['SCRIPT', 'NOSCRIPT', 'STYLE'].includes(element.tagName)) continue
  texts += 1
  const style = getComputedStyle(element)
  if (parseFloat(style.fontSize) < 18) say(`text of ${style.fontSize}`, element)
  const ratio = contrast(style.color, groundOf(element))
  if (ratio < 4.5) say(`contrast of ${ratio.toFixed(2)}`, element)
}
if (!texts) faults.push('nothing to read')

// The edges of fields can be seen: 3 to 1 (WCAG 1.4.11).
for (const field of document.querySelectorAll('input:not([type=hidden]):not([type=checkbox])')) {
  const ratio = contrast(getComputedStyle(field).borderTopColor, groundOf(field.parentElement))
  if (ratio < 3) say(`edge of ${ratio.toFixed(2)}`, field)
}

return faults
