package dk.bropost.sample;

import dk.bropost.service._1.AnswerInfo;
import dk.bropost.service._1.BropostFaultType;
import dk.bropost.service._1.ConfirmHandoverRequest;
import dk.bropost.service._1.ConfirmHandoverResponse;
import dk.bropost.service._1.ListInboxRequest;
import dk.bropost.service._1.ListInboxResponse;
import dk.bropost.service._1.PingRequest;
import dk.bropost.service._1.PingResponse;
import dk.bropost.service._1.RegisterReadRequest;
import dk.bropost.service._1.RegisterReadResponse;
import dk.bropost.service._1.RetrieveRequest;
import dk.bropost.service._1.RetrieveResponse;
import dk.bropost.service._1.SendLetterRequest;
import dk.bropost.service._1.SendLetterResponse;
import dk.bropost.service._1.SendNoticeRequest;
import dk.bropost.service._1.SendNoticeResponse;
import dk.bropost.service._1.institution.Institution;
import dk.bropost.service._1.municipality.Municipality;
import jakarta.xml.ws.BindingProvider;
import java.util.concurrent.Callable;
import java.util.function.Function;

/**
 * One of the two services; an answer is returned once it proved to belong to its request.
 *
 * <p>A system that knows one service only needs no such class: it calls its port.
 */
final class Gateway {
    private final Municipality municipality; // null, if it is the service of institutions
    private final Institution institution; // null, if it is the service of municipalities
    private final MessageSignature signature;

    Gateway(Municipality municipality, Institution institution, MessageSignature signature) {
        this.municipality = municipality;
        this.institution = institution;
        this.signature = signature;
    }

    /** The gateway refused a request, with a signed fault. */
    static final class Refused extends Exception {
        private final transient BropostFaultType fault;

        Refused(BropostFaultType fault, Exception cause) {
            super(fault.getCode(), cause);
            this.fault = fault;
        }

        BropostFaultType fault() {
            return fault;
        }
    }

    /** The port, for what is set on it. */
    BindingProvider port() {
        return (BindingProvider) (isOfMunicipalities() ? municipality : institution);
    }

    boolean isOfMunicipalities() {
        return municipality != null;
    }

    PingResponse ping(PingRequest request) throws Refused {
        return call(() -> isOfMunicipalities() ? municipality.ping(request) : institution.ping(request), PingResponse::getAnswer);
    }

    SendLetterResponse sendLetter(SendLetterRequest request) throws Refused {
        return call(() -> municipality.sendLetter(request), SendLetterResponse::getAnswer);
    }

    SendNoticeResponse sendNotice(SendNoticeRequest request) throws Refused {
        return call(
                () -> isOfMunicipalities() ? municipality.sendNotice(request) : institution.sendNotice(request),
                SendNoticeResponse::getAnswer);
    }

    ListInboxResponse listInbox(ListInboxRequest request) throws Refused {
        return call(
                () -> isOfMunicipalities() ? municipality.listInbox(request) : institution.listInbox(request),
                ListInboxResponse::getAnswer);
    }

    RetrieveResponse retrieve(RetrieveRequest request) throws Refused {
        return call(
                () -> isOfMunicipalities() ? municipality.retrieve(request) : institution.retrieve(request),
                RetrieveResponse::getAnswer);
    }

    ConfirmHandoverResponse confirmHandover(ConfirmHandoverRequest request) throws Refused {
        return call(
                () -> isOfMunicipalities() ? municipality.confirmHandover(request) : institution.confirmHandover(request),
                ConfirmHandoverResponse::getAnswer);
    }

    RegisterReadResponse registerRead(RegisterReadRequest request) throws Refused {
        return call(
                () -> isOfMunicipalities() ? municipality.registerRead(request) : institution.registerRead(request),
                RegisterReadResponse::getAnswer);
    }

    /** Both services declare the same fault, each as a class of its own. */
    private <A> A call(Callable<A> operation, Function<A, AnswerInfo> info) throws Refused {
        try {
            A answer = operation.call();
            signature.requireAnswer(info.apply(answer).getRequestDigest());
            return answer;
        } catch (dk.bropost.service._1.municipality.BropostFault refusal) {
            throw refused(refusal.getFaultInfo(), refusal);
        } catch (dk.bropost.service._1.institution.BropostFault refusal) {
            throw refused(refusal.getFaultInfo(), refusal);
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error); // the operations declare no other
        }
    }

    private Refused refused(BropostFaultType fault, Exception cause) {
        signature.requireAnswer(fault.getRequestDigest());
        return new Refused(fault, cause);
    }
}
