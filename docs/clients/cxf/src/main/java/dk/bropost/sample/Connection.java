package dk.bropost.sample;

import dk.bropost.service._1.PartyRef;
import dk.bropost.service._1.institution.Institution;
import dk.bropost.service._1.institution.InstitutionService;
import dk.bropost.service._1.municipality.Municipality;
import dk.bropost.service._1.municipality.MunicipalityService;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import javax.xml.namespace.QName;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Service;
import jakarta.xml.ws.WebServiceFeature;
import jakarta.xml.ws.soap.AddressingFeature;
import jakarta.xml.ws.soap.SOAPBinding;
import org.apache.cxf.frontend.ClientProxy;

/** A system connected to one of the two services, acting for one party. */
final class Connection {
    private final Settings settings;
    private final MessageSignature signature = new MessageSignature();

    Connection(Settings settings) {
        this.settings = settings;
    }

    /** The service whose port the settings name. */
    Gateway gateway() throws GeneralSecurityException, IOException {
        return settings.get("port").startsWith("Municipality")
                ? new Gateway(port(new MunicipalityService(wsdl()), Municipality.class), null, signature)
                : new Gateway(null, port(new InstitutionService(wsdl()), Institution.class), signature);
    }

    /** Whom content signatures trust, PEM. */
    Path sealRoot() {
        return Path.of(settings.get("seal.root"));
    }

    /** The party that the system acts for. */
    PartyRef party() {
        PartyRef party = new PartyRef();
        party.setCvr(settings.get("cvr"));
        if (settings.get("port").startsWith("Municipality")) {
            party.setMunicipalityCode(settings.get("unit"));
        } else {
            party.setInstitutionNumber(settings.get("unit"));
        }
        return party;
    }

    /** What signs requests and checks answers. */
    MessageSignature signature() {
        return signature;
    }

    /** Sends attachments as MTOM parts from now on, and gets large ones so. */
    static void useMtom(Object port) {
        ((SOAPBinding) ((BindingProvider) port).getBinding()).setMTOMEnabled(true);
    }

    private <P> P port(Service service, Class<P> type) throws GeneralSecurityException, IOException {
        QName name = new QName(service.getServiceName().getNamespaceURI(), settings.get("port"));
        WebServiceFeature[] features = {new AddressingFeature(settings.is("addressing"))};
        P port = service.getPort(name, type, features);
        signature.addTo(ClientProxy.getClient(port), settings);
        if (settings.is("mtom")) {
            useMtom(port);
        }
        return port;
    }

    private URL wsdl() throws MalformedURLException {
        // From a file: to load the WSDL with its schemas over HTTPS takes CXF seconds at every start.
        return Path.of(settings.get("wsdl.file")).toUri().toURL();
    }
}
