package dk.bropost.sample;

import dk.bropost.document._1.Document;
import dk.bropost.document._1.Role;
import dk.bropost.service._1.AttachmentContent;
import dk.bropost.service._1.BropostFaultType;
import dk.bropost.service._1.ConfirmHandoverRequest;
import dk.bropost.service._1.InboxItem;
import dk.bropost.service._1.ListInboxRequest;
import dk.bropost.service._1.ListInboxResponse;
import dk.bropost.service._1.PingRequest;
import dk.bropost.service._1.RegisterReadRequest;
import dk.bropost.service._1.RetrieveRequest;
import dk.bropost.service._1.RetrieveResponse;
import dk.bropost.service._1.SendLetterRequest;
import dk.bropost.service._1.SendLetterResponse;
import dk.bropost.service._1.SendNoticeRequest;
import dk.bropost.service._1.SendNoticeResponse;
import dk.bropost.service._1.Violation;
import jakarta.activation.DataHandler;
import jakarta.activation.FileDataSource;
import jakarta.xml.bind.JAXBContext;
import jakarta.xml.bind.JAXBException;
import jakarta.xml.ws.WebServiceException;
import jakarta.xml.ws.handler.MessageContext;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.transform.stream.StreamSource;

/**
 * What a case system and a study administration system do with the gateway. Usage: SETTINGS COMMAND ARGUMENT...
 *
 * <pre>
 * ping
 * send DOCUMENT [inline|mtom|swa FILE...]   a letter or a notice, typed; the gateway seals it
 * send-signed DOCUMENT                      one that the system has sealed itself
 * receive FOLDER                            everything that waits, stored in a folder
 * read DOCUMENT-ID ROLE                     a person with this role has opened it: never for a program to say
 * verify DOCUMENT...                        who sealed what was stored, and whether it is as it was sealed
 * </pre>
 *
 * The port in the settings decides which of the two services is asked.
 */
public final class Sample {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Sample() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 3 && !(arguments.length == 2 && arguments[1].equals("ping"))) {
            System.err.println("Usage: SETTINGS ping | send DOCUMENT [inline|mtom|swa FILE...] | send-signed DOCUMENT"
                    + " | receive FOLDER | read DOCUMENT-ID ROLE | verify DOCUMENT...");
            System.exit(2);
        }
        Connection connection = new Connection(Settings.read(Path.of(arguments[0])));
        List<String> rest = List.of(arguments).subList(2, arguments.length);
        try {
            switch (arguments[1]) {
                case "ping" -> ping(connection);
                case "send" -> send(connection, rest.get(0), false, rest.subList(1, rest.size()));
                case "send-signed" -> send(connection, rest.get(0), true, List.of());
                case "receive" -> receive(connection, Path.of(rest.get(0)));
                case "read" -> read(connection, rest.get(0), rest.get(1));
                case "verify" -> verify(connection, rest);
                default -> throw new IllegalArgumentException(arguments[1]);
            }
        } catch (Gateway.Refused refused) {
            tell(refused.fault());
        } catch (WebServiceException error) {
            Map<String, String> told = connection.signature().unsignedFault();
            if (told.isEmpty()) {
                throw error;
            }
            told.forEach((name, text) -> tell("Unsigned" + name, text)); // nobody knows who says so
            System.exit(1);
        }
    }

    private static void ping(Connection connection) throws GeneralSecurityException, IOException, Gateway.Refused {
        PingRequest request = new PingRequest();
        request.setOnBehalfOf(connection.party());
        request.setEcho("Er der hul igennem? Æ, ø og å.");
        var answer = connection.gateway().ping(request);
        tell("Echo", answer.getEcho());
        tell("ClockSkewSeconds", answer.getClockSkewSeconds());
    }

    /** A letter or a notice; in both services SendNotice sends notices. */
    private static void send(Connection connection, String file, boolean isSigned, List<String> attached)
            throws Exception {
        Gateway service = connection.gateway();
        Document typed = isSigned ? null : typed(file);
        DataHandler signed = isSigned ? new DataHandler(new Octets(file)) : null;
        if (ContentSignature.kind(Path.of(file)).endsWith("Letter")) {
            SendLetterRequest request = new SendLetterRequest();
            request.setOnBehalfOf(connection.party());
            request.setDocument(typed);
            request.setSignedDocument(signed);
            request.getAttachment().addAll(attachments(service, attached));
            SendLetterResponse answer = service.sendLetter(request);
            accepted(answer.getDocumentId(), answer.getState(), answer.getSubmissionAcceptance());
        } else {
            SendNoticeRequest request = new SendNoticeRequest();
            request.setOnBehalfOf(connection.party());
            request.setDocument(typed);
            request.setSignedDocument(signed);
            request.getAttachment().addAll(attachments(service, attached));
            SendNoticeResponse answer = service.sendNotice(request);
            accepted(answer.getDocumentId(), answer.getState(), answer.getSubmissionAcceptance());
        }
    }

    private static void accepted(String documentId, Object state, byte[] acceptance) throws GeneralSecurityException {
        tell("DocumentId", documentId);
        tell("State", state);
        tell("SubmissionAcceptance", HexFormat.of().formatHex(sha256(acceptance)));
    }

    /** Attachments inside the envelope as base64, as MTOM parts, or as SwA parts that the request names. */
    private static List<AttachmentContent> attachments(Gateway service, List<String> attached) {
        if (attached.isEmpty()) {
            return List.of();
        }
        String how = attached.get(0);
        List<String> files = attached.subList(1, attached.size());
        List<AttachmentContent> attachments = new ArrayList<>();
        Map<String, DataHandler> beside = new HashMap<>();
        for (int number = 1; number <= files.size(); number++) {
            AttachmentContent attachment = new AttachmentContent();
            attachment.setNumber(number);
            DataHandler content = new DataHandler(new Octets(files.get(number - 1)));
            if (how.equals("swa")) {
                String contentId = "attachment-" + number + "@esdh.example";
                attachment.setContentId(contentId);
                beside.put(contentId, content);
            } else {
                attachment.setContent(content);
            }
            attachments.add(attachment);
        }
        if (how.equals("mtom")) {
            Connection.useMtom(service.port());
        }
        if (!beside.isEmpty()) {
            service.port().getRequestContext().put(MessageContext.OUTBOUND_MESSAGE_ATTACHMENTS, beside);
        }
        return attachments;
    }

    /** A file as it is. */
    private static final class Octets extends FileDataSource {
        Octets(String file) {
            super(new File(file));
        }

        @Override
        public String getContentType() {
            return "application/octet-stream";
        }
    }

    /** Judges stored documents anew. */
    private static void verify(Connection connection, List<String> files) throws IOException, GeneralSecurityException {
        boolean broken = false;
        for (String file : files) {
            try {
                tell("SealedBy", ContentSignature.verifySender(Files.readAllBytes(Path.of(file)), connection.sealRoot()).sealer());
            } catch (ContentSignature.NotAsSealed error) {
                broken = true;
                tell("NotAsSealed", error.getMessage());
            }
        }
        if (broken) {
            System.exit(1);
        }
    }

    /** Stores and confirms everything that waits. What does not verify holds up nothing behind it. */
    private static void receive(Connection connection, Path folder)
            throws GeneralSecurityException, IOException, Gateway.Refused {
        Gateway service = connection.gateway();
        ListInboxRequest listing = new ListInboxRequest();
        listing.setOnBehalfOf(connection.party());
        boolean all = true;
        ListInboxResponse page;
        do {
            page = service.listInbox(listing);
            for (InboxItem item : page.getItem()) {
                all &= isReceived(connection, service, item.getDocumentId(), folder);
            }
            listing.setCursor(page.getNextCursor());
        } while (page.isMore());
        if (!all) {
            System.exit(1);
        }
    }

    /** Stores and confirms one document, or says why not: then it waits on, and somebody must look into it. */
    private static boolean isReceived(Connection connection, Gateway service, String documentId, Path folder)
            throws GeneralSecurityException, IOException {
        tell("DocumentId", documentId);
        try {
            receiveOne(connection, service, documentId, folder);
            return true;
        } catch (ContentSignature.NotAsSealed error) {
            tell("NotAsSealed", error.getMessage());
        } catch (Gateway.Refused refused) { // for one, it was withdrawn since it was listed
            tell(refused.fault());
        }
        return false;
    }

    private static void receiveOne(Connection connection, Gateway service, String documentId, Path folder)
            throws GeneralSecurityException, IOException, Gateway.Refused, ContentSignature.NotAsSealed {
        RetrieveRequest request = new RetrieveRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        RetrieveResponse found = service.retrieve(request);
        byte[] octets = octets(found.getExactOctets());
        Map<Integer, byte[]> contents = new TreeMap<>();
        for (AttachmentContent attachment : found.getAttachment()) {
            contents.put(attachment.getNumber(), octets(content(service, attachment)));
        }
        Sealed sealed = ContentSignature.verifySender(octets, connection.sealRoot());
        sealed.requireAsked(documentId, connection.party());
        sealed.requireAttachments(contents);
        // Read `sealed` alone: found.getDocument(), the typed view, is the gateway's word and no more. For a typed view
        // that the sender has sealed, unmarshal sealed.document().
        tell("SealedBy", sealed.sealer());
        tell("Sender", sealed.text("Header/Sender/Party/Name"));
        tell("Name", sealed.text("Header/Subject/Name"));
        tell("Digest", HexFormat.of().formatHex(sha256(octets)));
        Files.write(folder.resolve(documentId + ".xml"), octets);
        for (Map.Entry<Integer, byte[]> each : contents.entrySet()) {
            Files.write(folder.resolve(documentId + "-" + each.getKey()), each.getValue());
            tell("Attachment", each.getKey() + " " + HexFormat.of().formatHex(sha256(each.getValue())));
        }
        confirm(connection, service, documentId, octets); // it is on disk
    }

    /** Content in the envelope or as an MTOM part; if not asked for by MTOM, large attachments come as SwA parts. */
    @SuppressWarnings("unchecked")
    private static DataHandler content(Gateway service, AttachmentContent attachment) {
        if (attachment.getContent() != null) {
            return attachment.getContent();
        }
        var parts = (Map<String, DataHandler>)
                service.port().getResponseContext().get(MessageContext.INBOUND_MESSAGE_ATTACHMENTS);
        return parts.get(attachment.getContentId());
    }

    private static void confirm(Connection connection, Gateway service, String documentId, byte[] octets)
            throws GeneralSecurityException, Gateway.Refused {
        ConfirmHandoverRequest request = new ConfirmHandoverRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        request.setContentDigest(sha256(octets));
        tell("Confirmed", service.confirmHandover(request).getState());
    }

    /** Tells the sender that a person with this role has opened a document. */
    private static void read(Connection connection, String documentId, String role)
            throws GeneralSecurityException, IOException, Gateway.Refused {
        RegisterReadRequest request = new RegisterReadRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        request.setReaderRole(Role.fromValue(role));
        request.setReadAt(DatatypeFactory.newDefaultInstance()
                .newXMLGregorianCalendar(Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
        tell("Read", connection.gateway().registerRead(request).getState());
    }

    /** A fault came signed, and says what is wrong and where. */
    private static void tell(BropostFaultType fault) {
        tell("Refused", fault.getCode());
        tell("Retryable", fault.isRetryable());
        tell("Danish", fault.getDanish());
        for (Violation violation : fault.getViolation()) {
            tell("Violation", violation.getPath() + " " + violation.getCode() + " " + violation.getDanish());
        }
    }

    /** A document as the generated classes, here from a file; a case system sets their fields. */
    private static Document typed(String file) throws JAXBException {
        return JAXBContext.newInstance(Document.class)
                .createUnmarshaller()
                .unmarshal(new StreamSource(new File(file)), Document.class)
                .getValue();
    }

    private static byte[] octets(DataHandler data) throws IOException {
        try (InputStream stream = data.getInputStream()) {
            return stream.readAllBytes();
        }
    }

    private static byte[] sha256(byte[] octets) throws GeneralSecurityException {
        return MessageDigest.getInstance("SHA-256").digest(octets);
    }

    private static void tell(String name, Object value) {
        OUT.println(name + ": " + value);
    }
}
