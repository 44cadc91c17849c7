// The only script of these pages: hands a question to the passkey device, and its answer to the form.
'use strict'

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0))
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')

const button = document.getElementById('use-passkey')
const failed = document.getElementById('passkey-failed')

async function ask() {
  failed.hidden = true
  button.disabled = true
  try {
    const options = JSON.parse(button.dataset.options)
    options.challenge = bytes(options.challenge)
    for (const known of options.allowCredentials ?? []) known.id = bytes(known.id)
    const found = await navigator.credentials.get({ publicKey: options })
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response
    document.getElementById('answer').value = JSON.stringify({
      id: found.id,
      rawId: text(found.rawId),
      type: found.type,
      response: {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: userHandle && text(userHandle),
      },
      clientExtensionResults: found.getClientExtensionResults(),
    })
    button.form.submit()
  } catch {
    failed.hidden = false
    button.disabled = false
  }
}

if (button && window.PublicKeyCredential) {
  button.hidden = false
  button.addEventListener('click', ask)
} else if (failed) {
  failed.hidden = false
}
