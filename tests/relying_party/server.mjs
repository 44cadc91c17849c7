// A relying party as an integrator would write it: a small web site that logs citizens in.
//
// It knows nothing of the product but the issuer's address and its own registration, both given as
// JSON in the variable RELYING_PARTY. Everything of OAuth and OpenID is done by openid-client,
// with all of its checks on (state, nonce, iss, PKCE, the ID token's signature and claims).
import { createServer } from 'node:http'
import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const settings = JSON.parse(process.env.RELYING_PARTY)
const home = `http://127.0.0.1:${settings.port}`
const callback = `${home}/callback`

async function authentication() {
  if (settings.jwk) {
    const key = await importJWK(settings.jwk, settings.jwk.alg)
    return oidc.PrivateKeyJwt({ key, kid: settings.jwk.kid })
  }
  return settings.secret ? oidc.ClientSecretBasic(settings.secret) : oidc.None()
}

const config = await oidc.discovery(
  new URL(settings.issuer),
  settings.client_id,
  settings.metadata ?? {},
  await authentication(),
  // Plain HTTP on this machine only; an integrator leaves this line out.
  { execute: [oidc.allowInsecureRequests] },
)
const proof = settings.dpop
  ? { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
  : undefined

const waiting = new Map() // state -> what the answer must match
const logouts = [] // verified logout tokens
let login = null // the tokens of the citizen who is logged in
let device = null

async function begin(wanted) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const parameters = {
    redirect_uri: callback,
    scope: settings.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...wanted,
  }
  waiting.set(state, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    ...(wanted.max_age ? { maxAge: Number(wanted.max_age) } : {}),
  })
  return settings.par
    ? await oidc.buildAuthorizationUrlWithPAR(config, parameters, proof)
    : oidc.buildAuthorizationUrl(config, parameters)
}

async function finish(url) {
  const checks = waiting.get(url.searchParams.get('state'))
  if (!checks) throw new Error('an answer that nobody asked for')
  waiting.delete(url.searchParams.get('state'))
  const tokens = await oidc.authorizationCodeGrant(config, url, checks, undefined, proof)
  login = { tokens, claims: tokens.claims() }
  return {
    claims: login.claims,
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    scope: tokens.scope,
    has_refresh_token: Boolean(tokens.refresh_token),
    userinfo: await userinfo(),
  }
}

function userinfo() {
  return oidc.fetchUserInfo(config, login.tokens.access_token, login.claims.sub, proof)
}

async function call(path) {
  const url = new URL(path, settings.issuer)
  const { access_token } = login.tokens
  const answer = await oidc.fetchProtectedResource(
    config, access_token, url, 'GET', undefined, undefined, proof,
  )
  return { status: answer.status, body: await answer.json() }
}

async function refresh() {
  const tokens = await oidc.refreshTokenGrant(config, login.tokens.refresh_token, undefined, proof)
  login.tokens = { refresh_token: login.tokens.refresh_token, ...tokens }
  return { token_type: tokens.token_type, scope: tokens.scope }
}

async function revoke(which) {
  await oidc.tokenRevocation(config, login.tokens[which])
  return { revoked: which }
}

async function credentials(scope) {
  const tokens = await oidc.clientCredentialsGrant(config, { scope }, proof)
  return { token_type: tokens.token_type, scope: tokens.scope, expires_in: tokens.expires_in }
}

async function beginDevice() {
  device = await oidc.initiateDeviceAuthorization(config, { scope: settings.scope })
  return device
}

async function pollDevice() {
  const options = { ...proof, signal: AbortSignal.timeout(60_000) }
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, device, undefined, options)
  login = { tokens, claims: tokens.claims() }
  return { claims: login.claims ?? null, token_type: tokens.token_type, scope: tokens.scope }
}

function logoutUrl() {
  const parameters = {
    id_token_hint: login.tokens.id_token,
    post_logout_redirect_uri: `${home}/logged-out`,
    state: 'goodbye',
  }
  return { url: oidc.buildEndSessionUrl(config, parameters).href }
}

async function receiveLogout(request) {
  let body = ''
  for await (const part of request) body += part
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const { payload } = await jwtVerify(new URLSearchParams(body).get('logout_token'), keys, {
    issuer: settings.issuer,
    audience: settings.client_id,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events', 'sub'],
  })
  if (!('http://schemas.openid.net/event/backchannel-logout' in payload.events) || payload.nonce) {
    throw new Error('not a logout token')
  }
  logouts.push(payload)
  return { received: payload.jti }
}

const actions = {
  'GET /do/userinfo': userinfo,
  'GET /do/call': (url) => call(url.searchParams.get('path')),
  'POST /do/refresh': refresh,
  'POST /do/revoke': (url) => revoke(url.searchParams.get('token')),
  'POST /do/credentials': (url) => credentials(url.searchParams.get('scope')),
  'POST /do/device': beginDevice,
  'POST /do/device/poll': pollDevice,
  'GET /do/logout-url': logoutUrl,
  'GET /do/logouts': () => logouts,
  'POST /backchannel-logout': (url, request) => receiveLogout(request),
}

/** What a person sees: whether it worked, and the figures for whoever reads them. */
function page(response, status, title, value) {
  const text = JSON.stringify(value).replace(/[<&]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  const head = `<!doctype html><html lang="en"><title>${title}</title>`
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end(`${head}<h1>${title}</h1><pre id="result">${text}</pre></html>`)
}

/** What is said of a refusal: its kind, its OAuth code, and the status it came with. */
function described(error) {
  const { code, message, error: refusal, error_description: description, status } = error
  const challenge = error.cause?.[0]?.parameters
  return { refused: { code, message, error: refusal ?? challenge?.error, description, status } }
}

async function answer(request, response) {
  const url = new URL(request.url, home)
  if (url.pathname === '/login') {
    const target = await begin(Object.fromEntries(url.searchParams))
    response.writeHead(303, { Location: target.href }).end()
    return
  }
  if (url.pathname === '/callback') {
    try {
      page(response, 200, 'Logged in', await finish(url))
    } catch (error) {
      page(response, 400, 'Not logged in', described(error))
    }
    return
  }
  if (url.pathname === '/logged-out') {
    page(response, 200, 'Logged out', Object.fromEntries(url.searchParams))
    return
  }
  const action = actions[`${request.method} ${url.pathname}`]
  const value = action ? await action(url, request) : { unknown: url.pathname }
  response.writeHead(action ? 200 : 404, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(value))
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    response.writeHead(400, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(described(error)))
  })
})
server.listen(settings.port, '127.0.0.1', () => console.log('ready'))
