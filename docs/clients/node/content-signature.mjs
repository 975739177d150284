// Judges the content signature of a document that was retrieved: XAdES baseline B, enveloped, by the sender.
import { createHash, X509Certificate } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import xpath from 'xpath';
import { ECDSA_SHA256, EcdsaSha256 } from './ecdsa.mjs';

const DS = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const METHODS = ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', ECDSA_SHA256];
const MOST_BETWEEN = 3; // authorities between the root and a certificate
const CLOCK_SKEW = 5 * 60 * 1000; // ms; that the gateway allows, too
const MOST_BEFORE = 24 * 60 * 60 * 1000; // ms; a document is sealed once it is written; this is for clocks that differ
const select = xpath.useNamespaces({ doc: 'urn:dk:bropost:document:1', ds: DS, xades: 'http://uri.etsi.org/01903/v1.3.2#' });
const parse = (xml) => new DOMParser().parseFromString(xml, 'text/xml');

/** The document is not as its sender sealed it. */
export class NotAsSealed extends Error {}

const require = (holds, what) => {
  if (!holds) throw new NotAsSealed(what);
};

const sha256 = (octets) => createHash('sha256').update(octets).digest('base64');

/** What a sender sealed, read from what its signature covers; `sealer` is the common name of the certificate. */
export class Sealed {
  constructor(document, sealer) {
    this.document = document;
    this.sealer = sealer;
  }

  /** The text at a path, 'Header/DocumentId'. Throws NotAsSealed if there is none. */
  text(path) {
    const [found] = select(`/doc:Document/${path.split('/').map((name) => `doc:${name}`).join('/')}`, this.document);
    require(found, `it has no ${path}`);
    return found.textContent;
  }

  /** Throws NotAsSealed unless it has this id and is to this party: else a genuine document could stand in for another. */
  requireAsked(documentId, party) {
    require(this.text('Header/DocumentId') === documentId, 'it is another document than the one asked for');
    for (const [name, value] of Object.entries(party)) {
      require(this.text(`Header/Recipient/Party/${name}`) === value, 'it is to another party');
    }
  }

  /** Throws NotAsSealed unless these, [number, octets], are the attachments that the sender listed: no other, none missing. */
  requireAttachments(contents) {
    const listed = select('/doc:Document/doc:Attachments/doc:Attachment', this.document)
      .map((each) => ['Number', 'Sha256'].map((name) => select(`string(doc:${name})`, each)).join(' '));
    const found = contents.map(([number, content]) => `${number} ${sha256(content)}`);
    require(listed.sort().join() === found.sort().join(), 'its attachments are not those that its sender listed');
  }
}

/**
 * What the sender that a document names has sealed. Throws NotAsSealed unless the signature holds, covers the whole document,
 * and is by the organisation that the document names as its sender, with a certificate that was trusted under one of `roots`
 * (PEM) when it was made. When that was, the signer says. Revocation is not looked up: the gateway did that when the document
 * came in.
 */
export function verifySender(octets, roots) {
  const trusted = certificatesOf(roots);
  try {
    return verified(octets, trusted);
  } catch (error) {
    if (error instanceof NotAsSealed) throw error;
    throw new NotAsSealed('it does not hold a content signature'); // whatever it is, it proves nothing, and others wait behind it
  }
}

function verified(octets, roots) {
  const xml = octets.toString('utf8');
  const signatures = select('/doc:Document/ds:Signature', parse(xml));
  require(signatures.length === 1, 'it does not hold one content signature');
  const [signature] = signatures;
  const chain = select('ds:KeyInfo/ds:X509Data/ds:X509Certificate', signature)
    .map((each) => new X509Certificate(Buffer.from(each.textContent, 'base64')));
  require(chain.length > 0, 'it holds no certificate');

  const [leaf] = chain;
  const signed = new SignedXml({ publicCert: leaf.toString(), getCertFromKeyInfo: () => null });
  signed.SignatureAlgorithms[ECDSA_SHA256] = EcdsaSha256;
  signed.loadSignature(signature);
  require(METHODS.includes(signed.signatureAlgorithm), 'the method of its signature is not allowed');
  requireCovered(signed, signature);
  require(holds(signed, xml), 'its signature does not hold');

  const [document, properties] = signed.getSignedReferences().map(parse); // read nothing but what was signed
  const subject = leaf.subject.split('\n');
  const sealed = new Sealed(document, subject.find((each) => each.startsWith('CN=')).slice('CN='.length));
  const own = '/xades:SignedProperties/xades:SignedSignatureProperties';
  const digest = select(`string(${own}/xades:SigningCertificateV2/xades:Cert/xades:CertDigest/ds:DigestValue)`, properties);
  require(digest === sha256(leaf.raw), 'another certificate has signed it');
  const signedAt = new Date(select(`string(${own}/xades:SigningTime)`, properties));
  requirePossible(signedAt, new Date(sealed.text('Header/CreatedAt')));
  requireTrusted(chain, roots, signedAt);
  const organisation = `organizationIdentifier=NTRDK-${sealed.text('Header/Sender/Party/Cvr')}`;
  require(subject.includes(organisation), 'another organisation than its sender has sealed it');
  return sealed;
}

/** SigningTime is the signer's word, so it must at least be possible. */
function requirePossible(signedAt, createdAt) {
  require(signedAt <= Date.now() + CLOCK_SKEW, 'its SigningTime lies in the future');
  require(signedAt >= createdAt - MOST_BEFORE, 'its SigningTime lies before it was written');
}

/** Two references: the document without its signature, and the signed properties of this signature. */
function requireCovered(signed, signature) {
  const [whole, properties, ...others] = signed.getReferences();
  const ids = select('ds:Object/xades:QualifyingProperties/xades:SignedProperties/@Id', signature).map((each) => each.value);
  const transforms = (reference) => reference.transforms.join(' ');
  require(
    properties !== undefined && others.length === 0 && ids.length === 1 && signed.canonicalizationAlgorithm === EXCLUSIVE
    && whole.uri === '' && transforms(whole) === `${DS}enveloped-signature ${EXCLUSIVE}`
    && properties.uri === `#${ids[0]}` && transforms(properties) === EXCLUSIVE
    && [whole, properties].every((each) => each.digestAlgorithm === SHA256),
    'its signature does not cover the document',
  );
}

function holds(signed, xml) {
  try {
    return signed.checkSignature(xml);
  } catch {
    return false; // the package throws if it is the document that was changed
  }
}

/** The first certificate leads to a root, by others that came with it, and all were valid then. */
function requireTrusted(chain, roots, at) {
  let [current] = chain;
  for (let step = 0; step <= MOST_BETWEEN; step += 1) {
    require(new Date(current.validFrom) <= at && at <= new Date(current.validTo), 'a certificate was not valid when it sealed');
    const issuedBy = (issuer) => issuer.ca && current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (roots.some(issuedBy)) return;
    current = chain.find((each) => each !== current && issuedBy(each));
    if (!current) break;
  }
  throw new NotAsSealed('its certificate is not trusted');
}

const certificatesOf = (pem) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));
