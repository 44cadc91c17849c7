// A city that stumbles: what does the TypeScript client do about it? Prints one JSON object.
// node stumbling.mjs <address of the built client>

import { createServer } from 'node:http'

const { connect, newKey } = await import(process.argv[2])
let [answers, seen] = [[], []]
const server = createServer((request, response) => {
  const say = (status, body, headers = {}) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
  if (request.url === '/oauth/token') {
    return say(200, { access_token: crypto.randomUUID(), expires_in: 300 })
  }
  const [, payload] = request.headers.dpop.split('.')
  const proof = JSON.parse(Buffer.from(payload, 'base64url'))
  seen.push({ proof, token: request.headers.authorization, key: request.headers['idempotency-key'] })
  const next = answers.shift()
  if (next === 'break') return request.socket.destroy()
  if (next === 'nonce') return say(401, { code: 'dpop-proof-invalid' }, { 'DPoP-Nonce': 'n-1' })
  if (next) return say(next, { code: 'stumbled' }, { 'Retry-After': '0' })
  say(200, { items: [], next_cursor: null })
})
await new Promise((ready) => server.listen(0, '127.0.0.1', ready))

const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
const city = connect({
  client_id: crypto.randomUUID(),
  issuer: `http://127.0.0.1:${server.address().port}`,
  private_key: { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), kid: 'k-1' },
})
const read = () => city.GET('/v1/oauth/clients/me/requests', { params: { query: { limit: 5 } } })
const pay = (header = {}) =>
  city.POST('/v1/payments', { params: { header }, body: { items: [], method: 'card' } })

async function attempts(call, ...stumbles) {
  ;[answers, seen] = [stumbles, []]
  const status = await call().then((answer) => answer.response.status, () => 'broken')
  const count = (name) => new Set(seen.map((one) => one[name])).size
  const proofs = new Set(seen.map((one) => one.proof.jti)).size
  return { status, calls: seen.length, proofs, tokens: count('token'), keys: count('key') }
}

const key = newKey()
const found = {
  busy: await attempts(read, 503, 429, 503),
  busyForever: await attempts(read, 503, 503, 503, 503, 503),
  broken: await attempts(read, 'break'),
  refused: await attempts(read, 401),
  refusedTwice: await attempts(read, 401, 401),
  paidWithKey: await attempts(() => pay({ 'Idempotency-Key': key }), 503, 'break'),
  paidWithout: await attempts(pay, 503),
  paidWithoutBroken: await attempts(pay, 'break'),
  nonce: await attempts(read, 'nonce'),
}
found.address = seen.at(-1).proof.htu.replace(/:\d+/, '')
found.sentNonce = seen.at(-1).proof.nonce
console.log(JSON.stringify(found))
server.close()
server.closeAllConnections()
