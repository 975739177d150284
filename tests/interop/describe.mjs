// Reads the WSDLs at the addresses given, and prints as JSON what a Node client sees of each: the operations of every
// port, and the body of a GetStatus request built from a plain object. It runs where the package soap is installed.
import { createRequire } from 'node:module';

const soap = createRequire(`${process.cwd()}/`)('soap');
const request = {
  OnBehalfOf: { Cvr: '11111111', MunicipalityCode: '0999' },
  DocumentId: '7d0f8a52-3c41-4b8e-9a55-0c6d1e2f4c1e',
};
const seen = [];
for (const address of process.argv.slice(2)) {
  const client = await soap.createClientAsync(address);
  const [[service, ports]] = Object.entries(client.describe());
  const body = client.wsdl.objectToDocumentXML('GetStatus', request, 'svc', 'urn:dk:bropost:service:1');
  seen.push({ service, ports, body });
}
process.stdout.write(JSON.stringify(seen));
