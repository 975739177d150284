// ECDSA with SHA-256, which xml-crypto does not bring: for systems and parties with a P-256 certificate.
import { sign, verify } from 'node:crypto';

export const ECDSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256';

/** In XML a signature value is the two numbers one after the other, not the DER form that Node has by itself. */
const inXml = (key) => ({ ...(key.key ? key : { key }), dsaEncoding: 'ieee-p1363' });

export class EcdsaSha256 {
  getSignature = (signedInfo, key) => sign('sha256', Buffer.from(signedInfo), inXml(key)).toString('base64');

  verifySignature = (signedInfo, key, value) => verify('sha256', Buffer.from(signedInfo), inXml(key), Buffer.from(value, 'base64'));

  getAlgorithmName = () => ECDSA_SHA256;
}
