package dk.bropost.sample;

import dk.bropost.sample.ContentSignature.NotAsSealed;
import dk.bropost.service._1.PartyRef;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.w3c.dom.Element;

/** What a sender sealed, read from what its signature covers; `sealer` is the common name of the certificate. */
record Sealed(Element document, String sealer) {
    private static final String DOCUMENT = "urn:dk:bropost:document:1";

    /** The text of the one element at a path, "Header/DocumentId". */
    String text(String path) throws NotAsSealed {
        Element found = document;
        for (String name : path.split("/")) {
            found = ContentSignature.only(found, DOCUMENT, name);
        }
        return found.getTextContent();
    }

    /** Refuses it unless it has this id and is to this party: else a genuine document could stand in for another. */
    void requireAsked(String documentId, PartyRef party) throws NotAsSealed {
        ContentSignature.require(text("Header/DocumentId").equals(documentId), "it is another document than the one asked for");
        boolean isMunicipality = party.getMunicipalityCode() != null;
        String name = isMunicipality ? "MunicipalityCode" : "InstitutionNumber";
        String unit = isMunicipality ? party.getMunicipalityCode() : party.getInstitutionNumber();
        ContentSignature.require(
                text("Header/Recipient/Party/Cvr").equals(party.getCvr())
                        && text("Header/Recipient/Party/" + name).equals(unit),
                "it is to another party");
    }

    /** Refuses it unless these, by number, are the attachments that the sender listed: no other, and none missing. */
    void requireAttachments(Map<Integer, byte[]> contents) throws GeneralSecurityException, NotAsSealed {
        Map<String, String> listed = new HashMap<>();
        for (Element list : ContentSignature.children(document, DOCUMENT, "Attachments")) {
            for (Element each : ContentSignature.children(list, DOCUMENT, "Attachment")) {
                listed.put(
                        ContentSignature.only(each, DOCUMENT, "Number").getTextContent(),
                        ContentSignature.only(each, DOCUMENT, "Sha256").getTextContent());
            }
        }
        Map<String, String> found = new HashMap<>();
        for (Map.Entry<Integer, byte[]> each : contents.entrySet()) {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(each.getValue());
            found.put(each.getKey().toString(), Base64.getEncoder().encodeToString(digest));
        }
        ContentSignature.require(found.equals(listed), "its attachments are not those that its sender listed");
    }
}
