// WCF's own message security, for .NET Framework 4.8: .NET 8 has no X.509 message signatures in WCF; use MessageSignature there.
using System;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.ServiceModel.Description;
using System.ServiceModel.Security;
using System.ServiceModel.Security.Tokens;
using System.Text;

namespace Dk.Bropost.Sample
{
    public static class Wcf
    {
        /// <summary>Signs Body and Timestamp of requests and demands the same of answers.</summary>
        public static CustomBinding Binding(bool soap12, bool mtom)
        {
            var security = (AsymmetricSecurityBindingElement)SecurityBindingElement.CreateMutualCertificateBindingElement(
                MessageSecurityVersion.WSSecurity10WSTrustFebruary2005WSSecureConversationFebruary2005WSSecurityPolicy11BasicSecurityProfile10);
            security.DefaultAlgorithmSuite = SecurityAlgorithmSuite.Basic256Sha256; // RSA-SHA256, SHA-256, exclusive C14N
            security.MessageProtectionOrder = MessageProtectionOrder.SignBeforeEncrypt;
            security.SecurityHeaderLayout = SecurityHeaderLayout.Lax;
            security.AllowSerializedSigningTokenOnReply = true; // answers carry their certificate
            security.IncludeTimestamp = true;
            security.LocalClientSettings.TimestampValidityDuration = TimeSpan.FromMinutes(5);
            security.LocalClientSettings.DetectReplays = false; // an answer is bound to its request by RequestDigest
            security.InitiatorTokenParameters = new X509SecurityTokenParameters(
                X509KeyIdentifierClauseType.Any, SecurityTokenInclusionMode.AlwaysToRecipient) { RequireDerivedKeys = false };
            MessageVersion version = soap12 ? MessageVersion.CreateVersion(EnvelopeVersion.Soap12, AddressingVersion.None) : MessageVersion.Soap11;
            BindingElement encoding = mtom
                ? (BindingElement)new MtomMessageEncodingBindingElement(version, Encoding.UTF8)
                : new TextMessageEncodingBindingElement(version, Encoding.UTF8);
            var transport = new HttpsTransportBindingElement { MaxReceivedMessageSize = 40000000 };
            return new CustomBinding(security, encoding, transport);
        }

        /// <summary>Gives a client that svcutil generated its keys. Before its first call.</summary>
        public static void Prepare(ServiceEndpoint endpoint, ClientCredentials credentials, X509Certificate2 system, X509Certificate2 gateway)
        {
            endpoint.Contract.ProtectionLevel = ProtectionLevel.Sign; // else WCF encrypts too
            credentials.ClientCertificate.Certificate = system;
            credentials.ServiceCertificate.DefaultCertificate = gateway;
            credentials.ServiceCertificate.Authentication.CertificateValidationMode = X509CertificateValidationMode.PeerTrust;
        }

        /// <summary>Where the service is. WCF compares the name in the gateway's message certificate with this identity.</summary>
        public static EndpointAddress Address(string address, X509Certificate2 gateway)
        {
            return new EndpointAddress(new Uri(address), EndpointIdentity.CreateX509CertificateIdentity(gateway));
        }
    }
}
