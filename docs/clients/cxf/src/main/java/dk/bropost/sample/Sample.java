package dk.bropost.sample;

import dk.bropost.document._1.Document;
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
import dk.bropost.service._1.Violation;
import dk.bropost.service._1.institution.Institution;
import dk.bropost.service._1.municipality.BropostFault;
import dk.bropost.service._1.municipality.Municipality;
import jakarta.activation.DataHandler;
import jakarta.activation.FileDataSource;
import jakarta.mail.util.ByteArrayDataSource;
import jakarta.xml.bind.JAXBContext;
import jakarta.xml.bind.JAXBException;
import jakarta.xml.ws.BindingProvider;
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
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.transform.stream.StreamSource;

/**
 * What a case system and a study administration system do with the gateway. Usage: SETTINGS COMMAND ARGUMENT...
 *
 * <pre>
 * ping
 * send DOCUMENT [inline|mtom|swa FILE...]   a letter, typed; the gateway seals it
 * send-signed DOCUMENT                      a letter that the system has sealed itself
 * receive FOLDER                            everything that waits, stored in a folder
 * </pre>
 */
public final class Sample {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Sample() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 3 && !(arguments.length == 2 && arguments[1].equals("ping"))) {
            System.err.println("Usage: SETTINGS ping | send DOCUMENT [inline|mtom|swa FILE...] | send-signed DOCUMENT | receive FOLDER");
            System.exit(2);
        }
        Connection connection = new Connection(Settings.read(Path.of(arguments[0])));
        List<String> rest = List.of(arguments).subList(2, arguments.length);
        try {
            switch (arguments[1]) {
                case "ping" -> ping(connection);
                case "send" -> send(connection, typed(rest.get(0)), rest.subList(1, rest.size()));
                case "send-signed" -> send(connection, Files.readAllBytes(Path.of(rest.get(0))), List.of());
                case "receive" -> receive(connection, Path.of(rest.get(0)));
                default -> throw new IllegalArgumentException(arguments[1]);
            }
        } catch (BropostFault fault) {
            refused(connection, fault.getFaultInfo());
        } catch (dk.bropost.service._1.institution.BropostFault fault) {
            refused(connection, fault.getFaultInfo());
        } catch (WebServiceException error) {
            Map<String, String> told = connection.signature().unsignedFault();
            if (told.isEmpty()) {
                throw error;
            }
            told.forEach((name, text) -> tell("Unsigned" + name, text)); // nobody knows who says so
            System.exit(1);
        }
    }

    private static void ping(Connection connection) throws GeneralSecurityException, IOException, BropostFault {
        PingRequest request = new PingRequest();
        request.setOnBehalfOf(connection.party());
        request.setEcho("Er der hul igennem? Æ, ø og å.");
        var answer = connection.municipality().ping(request);
        connection.signature().requireAnswer(answer.getAnswer().getRequestDigest());
        tell("Echo", answer.getEcho());
        tell("ClockSkewSeconds", answer.getClockSkewSeconds());
    }

    private static void send(Connection connection, Object document, List<String> attached)
            throws GeneralSecurityException, IOException, BropostFault {
        Municipality service = connection.municipality();
        SendLetterRequest request = new SendLetterRequest();
        request.setOnBehalfOf(connection.party());
        if (document instanceof Document typed) {
            request.setDocument(typed);
        } else {
            request.setSignedDocument(data((byte[]) document));
        }
        if (!attached.isEmpty()) {
            attach(service, request, attached.get(0), attached.subList(1, attached.size()));
        }
        SendLetterResponse answer = service.sendLetter(request);
        connection.signature().requireAnswer(answer.getAnswer().getRequestDigest());
        tell("DocumentId", answer.getDocumentId());
        tell("State", answer.getState());
        tell("SubmissionAcceptance", HexFormat.of().formatHex(sha256(answer.getSubmissionAcceptance())));
    }

    /** Attachments inside the envelope as base64, as MTOM parts, or as SwA parts that the request names. */
    private static void attach(Municipality service, SendLetterRequest request, String how, List<String> files) {
        Map<String, DataHandler> beside = new HashMap<>();
        for (int number = 1; number <= files.size(); number++) {
            AttachmentContent attachment = new AttachmentContent();
            attachment.setNumber(number);
            DataHandler content = new DataHandler(new FileDataSource(new File(files.get(number - 1))) {
                @Override
                public String getContentType() {
                    return "application/octet-stream";
                }
            });
            if (how.equals("swa")) {
                String contentId = "attachment-" + number + "@esdh.example";
                attachment.setContentId(contentId);
                beside.put(contentId, content);
            } else {
                attachment.setContent(content);
            }
            request.getAttachment().add(attachment);
        }
        if (how.equals("mtom")) {
            Connection.useMtom(service);
        }
        if (!beside.isEmpty()) {
            ((BindingProvider) service).getRequestContext().put(MessageContext.OUTBOUND_MESSAGE_ATTACHMENTS, beside);
        }
    }

    private static void receive(Connection connection, Path folder)
            throws GeneralSecurityException, IOException, dk.bropost.service._1.institution.BropostFault {
        Institution service = connection.institution();
        ListInboxRequest listing = new ListInboxRequest();
        listing.setOnBehalfOf(connection.party());
        ListInboxResponse page;
        do {
            page = service.listInbox(listing);
            connection.signature().requireAnswer(page.getAnswer().getRequestDigest());
            for (InboxItem item : page.getItem()) {
                receiveOne(connection, service, item.getDocumentId(), folder);
            }
            listing.setCursor(page.getNextCursor());
        } while (page.isMore());
    }

    private static void receiveOne(Connection connection, Institution service, String documentId, Path folder)
            throws GeneralSecurityException, IOException, dk.bropost.service._1.institution.BropostFault {
        RetrieveRequest request = new RetrieveRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        RetrieveResponse found = service.retrieve(request);
        connection.signature().requireAnswer(found.getAnswer().getRequestDigest());
        byte[] octets = octets(found.getExactOctets()); // verify the content signature on these
        Files.write(folder.resolve(documentId + ".xml"), octets);
        tell("DocumentId", documentId);
        tell("Name", found.getDocument().getHeader().getSubject().getName()); // the typed view
        tell("Digest", HexFormat.of().formatHex(sha256(octets)));
        for (AttachmentContent attachment : found.getAttachment()) {
            byte[] content = octets(content(service, attachment));
            requireListed(found.getDocument(), attachment.getNumber(), content);
            Files.write(folder.resolve(documentId + "-" + attachment.getNumber()), content);
            tell("Attachment", attachment.getNumber() + " " + HexFormat.of().formatHex(sha256(content)));
        }
        confirm(connection, service, documentId, octets); // it is on disk
        read(connection, service, documentId); // a person opened it
    }

    /** Content in the envelope or as an MTOM part; if not asked for by MTOM, large attachments come as SwA parts. */
    @SuppressWarnings("unchecked")
    private static DataHandler content(Institution service, AttachmentContent attachment) {
        if (attachment.getContent() != null) {
            return attachment.getContent();
        }
        var parts = (Map<String, DataHandler>)
                ((BindingProvider) service).getResponseContext().get(MessageContext.INBOUND_MESSAGE_ATTACHMENTS);
        return parts.get(attachment.getContentId());
    }

    /** Refuses an attachment that is not the one that its document lists. */
    private static void requireListed(Document document, int number, byte[] content) throws GeneralSecurityException {
        byte[] digest = sha256(content);
        boolean listed = document.getAttachments().getAttachment().stream()
                .anyMatch(each -> each.getNumber() == number && Arrays.equals(each.getSha256(), digest));
        if (!listed) {
            throw new IllegalStateException("attachment " + number + " is another one");
        }
    }

    private static void confirm(Connection connection, Institution service, String documentId, byte[] octets)
            throws GeneralSecurityException, dk.bropost.service._1.institution.BropostFault {
        ConfirmHandoverRequest request = new ConfirmHandoverRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        request.setContentDigest(sha256(octets));
        var answer = service.confirmHandover(request);
        connection.signature().requireAnswer(answer.getAnswer().getRequestDigest());
        tell("Confirmed", answer.getState());
    }

    private static void read(Connection connection, Institution service, String documentId)
            throws dk.bropost.service._1.institution.BropostFault {
        RegisterReadRequest request = new RegisterReadRequest();
        request.setOnBehalfOf(connection.party());
        request.setDocumentId(documentId);
        request.setReaderRole(dk.bropost.document._1.Role.STUDY_COUNSELLOR);
        request.setReadAt(DatatypeFactory.newDefaultInstance()
                .newXMLGregorianCalendar(Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
        var answer = service.registerRead(request);
        connection.signature().requireAnswer(answer.getAnswer().getRequestDigest());
        tell("Read", answer.getState());
    }

    /** A fault came signed, and says what is wrong and where. */
    private static void refused(Connection connection, BropostFaultType fault) {
        connection.signature().requireAnswer(fault.getRequestDigest());
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

    private static DataHandler data(byte[] octets) {
        return new DataHandler(new ByteArrayDataSource(octets, "application/octet-stream"));
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
