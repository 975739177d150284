package dk.bropost.sample;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * How to reach the gateway, from a properties file.
 *
 * <pre>
 * wsdl.file  the service's WSDL as a file, see `bropost schema export`
 * port       the port in it, e.g. MunicipalitySoap12
 * keystore   PKCS#12 with the system's key and certificates
 * alias      the name of the key in it
 * password   of the key store
 * gateway    the gateway's message certificate, PEM
 * seal.root  whom content signatures trust, PEM
 * cvr, unit  the party to act for
 * addressing true to send WS-Addressing headers
 * mtom       true to send every request by MTOM, and so get large attachments by MTOM
 * </pre>
 */
record Settings(Properties values) {
    static Settings read(Path file) throws IOException {
        Properties values = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            values.load(reader);
        }
        return new Settings(values);
    }

    String get(String name) {
        String value = values.getProperty(name);
        if (value == null) {
            throw new IllegalArgumentException("missing in the settings: " + name);
        }
        return value;
    }

    boolean is(String name) {
        return Boolean.parseBoolean(values.getProperty(name, "false"));
    }

    /** One or the other, by the version of SOAP that the port speaks. */
    String soap(String version11, String version12) {
        return get("port").endsWith("Soap12") ? version12 : version11;
    }
}
