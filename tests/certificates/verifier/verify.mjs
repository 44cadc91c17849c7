// A verifier of credentials that shares no code with the product.
//
// What it is told comes as JSON on its input: the issuer's metadata, the status lists by their
// address, the moment, and the credentials. What it thinks of each goes to its output.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'

const told = JSON.parse(await text(process.stdin))

function isSigned(data, signature, jwk) {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
}

function byIssuer(data, signature) {
  const header = JSON.parse(Buffer.from(data.split('.')[0], 'base64url'))
  const jwk = told.issuer.jwks.keys.find((key) => key.kid === header.kid)
  return jwk !== undefined && isSigned(data, signature, jwk)
}

function hasher(data, algorithm) {
  return createHash(algorithm.replace('-', '')).update(Buffer.from(data)).digest()
}

const verifier = new SDJwtVcInstance({
  hasher,
  hashAlg: 'sha-256',
  verifier: byIssuer,
  kbVerifier: (data, signature, payload) => isSigned(data, signature, payload.cnf.jwk),
  statusListFetcher: async (uri) => told.lists[uri],
  vctFetcher: async (uri) => told.types[uri],
  loadTypeMetadataFormat: true,
})

// The library leaves out what the issuer has not signed; RFC 9901 (7.1) has all of it refused.
async function refuseStrays(credential) {
  const { jwt, disclosures } = await verifier.decode(credential)
  for (const one of disclosures ?? []) {
    const digest = await one.digest({ hasher, alg: 'sha-256' })
    if (!jwt.payload._sd.includes(digest)) throw new Error(`${one.key} is of no digest`)
  }
}

async function look({ credential, nonce, requires }) {
  try {
    const seen = await verifier.verify(credential, {
      currentDate: told.now,
      keyBindingNonce: nonce,
      requiredClaimKeys: requires,
    })
    await refuseStrays(credential)
    return { claims: seen.payload, type: seen.typeMetadata?.mergedTypeMetadata ?? seen.typeMetadata }
  } catch (error) {
    return { refused: String(error.message) }
  }
}

console.log(JSON.stringify(await Promise.all(told.cases.map(look))))
