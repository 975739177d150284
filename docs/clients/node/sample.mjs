// What a case system and a study administration system do with the gateway.
//
//   node sample.mjs SETTINGS COMMAND ARGUMENT...
//
//   ping
//   send DOCUMENT.json [inline|mtom FILE...]   a letter or a notice, typed; the gateway seals it
//   send-signed DOCUMENT.xml                   one that the system has sealed itself
//   receive FOLDER                             everything that waits, stored in a folder
//   read DOCUMENT-ID ROLE                      a person with this role has opened it: never for a program to say
//   verify DOCUMENT.xml...                     who sealed what was stored, and whether it is as it was sealed
//
// The port in the settings decides which of the two services is asked.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import { Connection, Refused, readSettings } from './connection.mjs';
import { NotAsSealed, verifySender } from './content-signature.mjs';
import { UnsignedFault } from './message-signature.mjs';

const sha256 = (octets) => createHash('sha256').update(octets).digest();
const tell = (name, value) => console.log(`${name}: ${value}`);
const list = (value) => (value === undefined ? [] : [value].flat());

async function ping(connection) {
  const answer = await connection.call('Ping', { OnBehalfOf: connection.party, Echo: 'Er der hul igennem? Æ, ø og å.' });
  tell('Echo', answer.Echo);
  tell('ClockSkewSeconds', answer.ClockSkewSeconds);
}

/** The operation that sends a document of this kind; both services have SendNotice. */
const operationFor = (kind) => (kind.endsWith('Letter') ? 'SendLetter' : 'SendNotice');

async function send(connection, operation, document, how, files) {
  // The order of the names is the order of the schema: the package writes them as they stand here.
  const request = {
    OnBehalfOf: connection.party,
    ...document,
    Attachment: files.map((file, index) => ({ Number: index + 1, Content: readFileSync(file).toString('base64') })),
  };
  const answer = await connection.call(operation, request, how === 'mtom' ? files.map((file) => readFileSync(file)) : []);
  tell('DocumentId', answer.DocumentId);
  tell('State', answer.State);
  tell('SubmissionAcceptance', sha256(Buffer.from(answer.SubmissionAcceptance, 'base64')).toString('hex'));
}

/** Stores and confirms everything that waits. What does not verify holds up nothing behind it. */
async function receive(connection, folder) {
  let page;
  do {
    const after = page ? { Cursor: page.NextCursor } : {};
    page = await connection.call('ListInbox', { OnBehalfOf: connection.party, ...after });
    for (const { DocumentId } of list(page.Item)) await tryToReceive(connection, folder, DocumentId);
  } while (page.More);
}

/** Stores and confirms one document, or says why not: then it waits on, and somebody must look into it. */
async function tryToReceive(connection, folder, DocumentId) {
  tell('DocumentId', DocumentId);
  try {
    await receiveOne(connection, folder, DocumentId);
  } catch (error) {
    if (error instanceof NotAsSealed) tell('NotAsSealed', error.message);
    else if (error instanceof Refused) tellRefusal(error); // for one, it was withdrawn since it was listed
    else throw error;
    process.exitCode = 1;
  }
}

async function receiveOne(connection, folder, DocumentId) {
  const one = { OnBehalfOf: connection.party, DocumentId };
  const found = await connection.call('Retrieve', one);
  const octets = Buffer.from(found.ExactOctets, 'base64');
  const contents = list(found.Attachment).map(({ Number, Content, ContentId }) =>
    [Number, Content === undefined ? connection.part(ContentId) : Buffer.from(Content, 'base64')]);
  const sealed = verifySender(octets, connection.sealRoots);
  sealed.requireAsked(DocumentId, connection.party);
  sealed.requireAttachments(contents);
  // Read `sealed` alone: found.Document, the typed view, is the gateway's word and no more.
  tell('SealedBy', sealed.sealer);
  tell('Sender', sealed.text('Header/Sender/Party/Name'));
  tell('Name', sealed.text('Header/Subject/Name'));
  tell('Digest', sha256(octets).toString('hex'));
  writeFileSync(join(folder, `${DocumentId}.xml`), octets);
  for (const [number, content] of contents) {
    writeFileSync(join(folder, `${DocumentId}-${number}`), content);
    tell('Attachment', `${number} ${sha256(content).toString('hex')}`);
  }
  // It is on disk.
  tell('Confirmed', (await connection.call('ConfirmHandover', { ...one, ContentDigest: sha256(octets).toString('base64') })).State);
}

/** Tells the sender that a person with this role has opened a document. */
async function read(connection, DocumentId, ReaderRole) {
  const request = { OnBehalfOf: connection.party, DocumentId, ReaderRole, ReadAt: new Date().toISOString() };
  tell('Read', (await connection.call('RegisterRead', request)).State);
}

/** Judges stored documents anew. */
function verify(files, roots) {
  for (const file of files) {
    try {
      tell('SealedBy', verifySender(readFileSync(file), roots).sealer);
    } catch (error) {
      if (!(error instanceof NotAsSealed)) throw error;
      tell('NotAsSealed', error.message);
      process.exitCode = 1;
    }
  }
}

/** What the gateway's fault says. */
function tellRefusal({ fault }) {
  tell('Refused', fault.Code);
  tell('Retryable', fault.Retryable);
  tell('Danish', fault.Danish);
  for (const { Path, Code, Danish } of list(fault.Violation)) tell('Violation', `${Path} ${Code} ${Danish}`);
}

const USAGE = 'node sample.mjs SETTINGS ping | send DOCUMENT.json [inline|mtom FILE...] | send-signed DOCUMENT.xml | receive FOLDER | read DOCUMENT-ID ROLE | verify DOCUMENT.xml...';
const [settings, command, ...rest] = process.argv.slice(2);
if (!command || (command !== 'ping' && !rest.length)) {
  console.error(`Usage: ${USAGE}`);
  process.exit(2);
}
if (command === 'verify') {
  verify(rest, readFileSync(readSettings(settings)['seal.root'], 'utf8'));
  process.exit();
}
const connection = await Connection.open(settings);
try {
  if (command === 'ping') await ping(connection);
  else if (command === 'send') {
    const [document, how, ...files] = rest;
    const typed = JSON.parse(readFileSync(document, 'utf8'));
    const [kind] = Object.keys(typed).filter((name) => name !== 'attributes' && name !== 'Header');
    await send(connection, operationFor(kind), { Document: typed }, how, files);
  } else if (command === 'send-signed') {
    const octets = readFileSync(rest[0]);
    const [, kind] = Array.from(new DOMParser().parseFromString(octets.toString(), 'text/xml').documentElement.childNodes)
      .filter((node) => node.localName)
      .map((node) => node.localName);
    await send(connection, operationFor(kind), { SignedDocument: octets.toString('base64') }, 'inline', []);
  } else if (command === 'receive') await receive(connection, rest[0]);
  else if (command === 'read') await read(connection, ...rest);
  else throw new Error(`Usage: ${USAGE}`);
} catch (error) {
  if (error instanceof UnsignedFault) {
    for (const name of ['Code', 'CorrelationId', 'Danish']) tell(`Unsigned${name}`, error.detail[name]); // nobody knows who says so
    process.exit(1);
  }
  if (!(error instanceof Refused)) throw error;
  tellRefusal(error);
}
