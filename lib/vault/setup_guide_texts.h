// The texts of vault/setup_guide.h. Placeholders such as `{host}` are replaced by values, and those such as
// `{:kept}` by phrases in the reader's language (vault/setup_guide_phrases.h). A line with `{?ca}` is left
// out if no CA file was given. A recipe that explains more than it configures has a text for each
// language. Internal to lib/vault.
#pragma once

#include <array>
#include <string_view>

namespace gw::vault {

struct RecipeText {
  std::string_view program;
  std::string_view text;  // English; used for every language that has no text of its own
  std::string_view italian = {};
  std::string_view german = {};
};

inline constexpr std::array kDrainRecipes{
    RecipeText{"getmail",
               R"(# getmail 6: ~/.config/getmail/getmailrc, {:mode-600}. {:password}
# {:kept}.
[retriever]
type = SimplePOP3SSLRetriever
server = {host}
port = {port}
username = {user}
password = PASSWORD
{?ca}ca_certs = {ca}

[destination]
type = Maildir
path = ~/Maildir/

[options]
# {:nothing-added}
delivered_to = false
received = false
read_all = true
delete = true
)"},
    RecipeText{"fetchmail",
               R"(# fetchmail: ~/.fetchmailrc, {:mode-600}. {:password}
# {:fetchmail-mda}
# {:kept}.
set invisible
set no bouncemail
poll {host} protocol pop3 port {port} auth password bad-header accept
  user "{user}" password "PASSWORD"
  ssl sslproto "TLS1.2+" sslcertck
{?ca}  sslcertfile "{ca}"
  fetchall no keep no rewrite no mimedecode pass8bits
)"},
    RecipeText{"mpop", R"(# mpop: ~/.mpoprc, {:mode-600}. {:password}
# {:kept}.
defaults
tls on
tls_starttls off
tls_trust_file system
{?ca}tls_trust_file {ca}
account {name}
host {host}
port {port}
user {user}
password PASSWORD
keep off
received_header off
delivery maildir ~/Maildir
account default : {name}
)"},
    RecipeText{"curl", R"(#!/bin/sh
# curl, {:mode-700}. {:password}
# {:curl-does}
# {:kept}.
set -eu
umask 077
settings() {
  printf 'user = "%s:%s"\n' '{user}' 'PASSWORD'
  printf 'ssl-reqd\nsilent\nshow-error\nfail-early\n'
{?ca}  printf 'cacert = "%s"\n' '{ca}'
}
url=pop3s://{host}:{port}/
count=$({ settings; printf 'url = "%s"\n' "$url"; } | curl --disable --config - | grep -c '^[0-9]' || true)
[ "$count" -gt 0 ] || exit 0
stamp=$(date +%s)
n=0
while [ "$n" -lt "$count" ]; do
  n=$((n + 1))
  [ "$n" -eq 1 ] || echo next
  settings
  printf 'url = "%s%s"\noutput = "%s-%s.eml"\nnext\n' "$url" "$n" "$stamp" "$n"
  settings
  printf 'url = "%s%s"\nrequest = "DELE"\nhead\noutput = "/dev/null"\n' "$url" "$n"
done | curl --disable --config -
)"},
    RecipeText{"mailstore", R"(MailStore Server, a mailbox that is drained by POP3:

1. Archive Email > Create Profile: choose the profile for a gateway or POP3 mailbox, and enter
   - Host: {host}
   - Port: {port}
   - Protocol: POP3 with SSL from the start
   - User name: {user}
   - Password: the password of the mailbox
   - After archiving: delete messages from the mailbox
2. For journal reports (Microsoft 365, Exchange), choose the source type that reads them, so that senders and recipients are taken from the report. Messages that cannot be assigned stay here until they can.

{:kept-by}.

{:from-documentation} https://help.mailstore.com/en/server/Archiving_IMAP_and_POP3_Multidrop_Mailboxes
)",
               R"(MailStore Server, una casella che viene svuotata via POP3:

1. Archive Email > Create Profile: scegli il profilo per un gateway o una casella POP3 e inserisci
   - Host: {host}
   - Porta: {port}
   - Protocollo: POP3 con SSL fin dall'inizio
   - Nome utente: {user}
   - Password: la password della casella
   - Dopo l'archiviazione: elimina i messaggi dalla casella
2. Per i rapporti del journal (Microsoft 365, Exchange) scegli il tipo di origine che li legge, così mittente e destinatari vengono presi dal rapporto. I messaggi che non si possono assegnare restano qui finché non è possibile.

{:kept-by}.

{:from-documentation} https://help.mailstore.com/en/server/Archiving_IMAP_and_POP3_Multidrop_Mailboxes
)",
               R"(MailStore Server, ein Postfach, das über POP3 geleert wird:

1. E-Mails archivieren > Profil erstellen: Wählen Sie das Profil für ein Gateway oder POP3-Postfach und geben Sie ein
   - Host: {host}
   - Port: {port}
   - Protokoll: POP3 mit SSL von Anfang an
   - Benutzername: {user}
   - Passwort: das Passwort des Postfachs
   - Nach der Archivierung: Nachrichten aus dem Postfach löschen
2. Wählen Sie für Journalberichte (Microsoft 365, Exchange) den Quelltyp, der solche Berichte liest, damit Absender und Empfänger aus dem Bericht übernommen werden. Nachrichten, die sich nicht zuordnen lassen, bleiben hier, bis das möglich ist.

{:kept-by}.

{:from-documentation} https://help.mailstore.com/en/server/Archiving_IMAP_and_POP3_Multidrop_Mailboxes
)"},
    RecipeText{"piler", R"(#!/bin/sh
# piler: {:piler-does}
# {:piler-run}
# /etc/gw/{name}.password: {:password-file}
# {:kept}.
# {:from-documentation} `pilerimport -h`, import_maildir.c
set -eu
umask 077
mkdir -p /var/piler/gw/{name}
# {:piler-directory}
cd /var/piler/gw/{name}
# {:piler-status}
gw-export {name} --to mail --format eml --remove --resume -q --password-file /etc/gw/{name}.password || [ $? -eq 3 ]
[ ! -d mail ] || pilerimport -d mail -r -q
)"},
    RecipeText{"openarchiver", R"(#!/bin/sh
# OpenArchiver: {:openarchiver-does}
# /etc/gw/{name}.password: {:password-file}
# {:kept}.
# {:from-documentation} https://docs.openarchiver.com/user-guides/email-providers/eml.html
set -eu
gw-export {name} --to "{name}-$(date -u +%Y%m%dT%H%M%SZ).zip" --format zip --remove --password-file /etc/gw/{name}.password
)"},
};

inline constexpr std::array kSenderRecipes{
    RecipeText{"microsoft365", R"(Microsoft 365, journaling to this gateway:

1. Exchange admin center > Mail flow > Connectors > Add a connector
   - Connection from: Office 365
   - Connection to: Partner organization
   - Use of the connector: for messages sent to the domain {domain}
   - Routing: through the smart host {host} (port {port})
   - Security: always TLS, with a certificate from a public certificate authority (CA) that names {host}
2. Exchange Online PowerShell: Set-TransportConfig -JournalingReportNdrTo OTHER-ADDRESS
   (Purview > Data Lifecycle Management > Exchange (legacy) > Settings: "Send undeliverable journal reports to".) OTHER-ADDRESS must be outside Exchange Online, best at another provider. It receives reports that could not be delivered for a long time.
3. Purview > Solutions > Data Lifecycle Management > Exchange (legacy) > Journal rules > New rule
   - Send journal reports to: {address}
   - Journal rule name: any
   - Journal messages sent or received from: Everyone
   - Type of message to journal: All messages
4. Send a test message, then run: gw-store mailbox show {name}

Reports can be larger than the largest message: `max-size` in gw.toml must be more than 150 MiB, as it is by default.

Allow only the addresses that Microsoft sends from, 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48 (check them at Microsoft; all its customers send from them):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48

{:from-documentation} https://learn.microsoft.com/, "Manage journaling in Exchange Online", "Set up connectors for secure mail flow with a partner organization"
)",
               R"(Microsoft 365, journaling verso questo gateway:

1. Interfaccia di amministrazione di Exchange > Flusso di posta > Connettori > Aggiungi un connettore
   - Connessione da: Office 365
   - Connessione a: Organizzazione partner
   - Uso del connettore: per i messaggi inviati al dominio {domain}
   - Routing: tramite lo smart host {host} (porta {port})
   - Sicurezza: sempre TLS, con un certificato di un'autorità di certificazione (CA) pubblica intestato a {host}
2. Exchange Online PowerShell: Set-TransportConfig -JournalingReportNdrTo ALTRO-INDIRIZZO
   (Purview > Gestione del ciclo di vita dei dati > Exchange (legacy) > Impostazioni: "Send undeliverable journal reports to".) ALTRO-INDIRIZZO deve essere esterno a Exchange Online, meglio se presso un altro provider. Riceve i rapporti che per molto tempo non è stato possibile consegnare.
3. Purview > Soluzioni > Gestione del ciclo di vita dei dati > Exchange (legacy) > Regole del journal > Nuova regola
   - Invia rapporti del journal a (Send journal reports to): {address}
   - Nome della regola (Journal rule name): a scelta
   - Messaggi inviati o ricevuti da (Journal messages sent or received from): tutti (Everyone)
   - Tipo di messaggio (Type of message to journal): tutti i messaggi (All messages)
4. Invia un messaggio di prova, poi esegui: gw-store mailbox show {name}

I rapporti possono superare la dimensione massima di un messaggio: `max-size` in gw.toml deve essere maggiore di 150 MiB, come per impostazione predefinita.

Ammetti solo gli indirizzi da cui invia Microsoft, 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48 (verificali presso Microsoft; da lì inviano tutti i suoi clienti):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48

{:from-documentation} https://learn.microsoft.com/, "Manage journaling in Exchange Online", "Set up connectors for secure mail flow with a partner organization"
)",
               R"(Microsoft 365, Journaling zu diesem Gateway:

1. Exchange Admin Center > Nachrichtenfluss > Connectors > Connector hinzufügen
   - Verbindung von: Office 365
   - Verbindung mit: Partnerorganisation
   - Verwendung des Connectors: für Nachrichten an die Domain {domain}
   - Routing: über den Smarthost {host} (Port {port})
   - Sicherheit: immer TLS, mit einem Zertifikat einer öffentlichen Zertifizierungsstelle (CA), das auf {host} lautet
2. Exchange Online PowerShell: Set-TransportConfig -JournalingReportNdrTo ANDERE-ADRESSE
   (Purview > Datenlebenszyklusverwaltung > Exchange (Legacy) > Einstellungen: "Send undeliverable journal reports to".) ANDERE-ADRESSE muss außerhalb von Exchange Online liegen, am besten bei einem anderen Anbieter. Sie erhält Berichte, die lange nicht zugestellt werden konnten.
3. Purview > Lösungen > Datenlebenszyklusverwaltung > Exchange (Legacy) > Journalregeln > Neue Regel
   - Journalberichte senden an: {address}
   - Name der Journalregel (Journal rule name): beliebig
   - Nachrichten gesendet oder empfangen von (Journal messages sent or received from): alle (Everyone)
   - Nachrichtentyp (Type of message to journal): alle Nachrichten (All messages)
4. Senden Sie eine Testnachricht und führen Sie dann aus: gw-store mailbox show {name}

Berichte können größer sein als die größte Nachricht: `max-size` in gw.toml muss über 150 MiB liegen; die Vorgabe erfüllt das.

Lassen Sie nur die Adressen zu, von denen Microsoft sendet, 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48 (prüfen Sie sie bei Microsoft; alle seine Kunden senden von dort):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48

{:from-documentation} https://learn.microsoft.com/, "Manage journaling in Exchange Online", "Set up connectors for secure mail flow with a partner organization"
)"},
    RecipeText{"google", R"(Google Workspace, third-party email archiving to this gateway:

1. Admin console > Apps > Google Workspace > Gmail > Routing > Third-party email archiving > Add setting: {address}
2. The domain {domain} needs an MX record that points to {host}, port {port}.
3. TLS compliance in Gmail requires a certificate from a public certificate authority (CA) that names {host}; a self-signed certificate is not accepted.
4. Send a test message, then run: gw-store mailbox show {name}

After a 4xx reply Google tries again for 8 days, after a 5xx reply never: gw-store doctor lists the senders that received a 5xx reply.

{:from-documentation} https://support.google.com/a/answer/7276605
)",
               R"(Google Workspace, archiviazione email di terze parti verso questo gateway:

1. Console di amministrazione > App > Google Workspace > Gmail > Routing > Archiviazione email di terze parti > Aggiungi impostazione: {address}
2. Il dominio {domain} deve avere un record MX che punta a {host}, porta {port}.
3. La conformità TLS di Gmail richiede un certificato di un'autorità di certificazione (CA) pubblica intestato a {host}; un certificato autofirmato non viene accettato.
4. Invia un messaggio di prova, poi esegui: gw-store mailbox show {name}

Dopo una risposta 4xx Google riprova per 8 giorni, dopo una 5xx mai più: gw-store doctor elenca i mittenti che hanno ricevuto una risposta 5xx.

{:from-documentation} https://support.google.com/a/answer/7276605
)",
               R"(Google Workspace, E-Mail-Archivierung durch Drittanbieter zu diesem Gateway:

1. Admin-Konsole > Apps > Google Workspace > Gmail > Routing > E-Mail-Archivierung durch Drittanbieter > Einstellung hinzufügen: {address}
2. Die Domain {domain} benötigt einen MX-Eintrag, der auf {host} zeigt, Port {port}.
3. Die TLS-Compliance von Gmail verlangt ein Zertifikat einer öffentlichen Zertifizierungsstelle (CA), das auf {host} lautet; ein selbstsigniertes Zertifikat wird nicht akzeptiert.
4. Senden Sie eine Testnachricht und führen Sie dann aus: gw-store mailbox show {name}

Nach einer 4xx-Antwort versucht Google es 8 Tage lang erneut, nach einer 5xx-Antwort nie wieder: gw-store doctor nennt die Absender, die eine 5xx-Antwort erhalten haben.

{:from-documentation} https://support.google.com/a/answer/7276605
)"},
    RecipeText{"exchange",
               R"({:exchange-title}

  New-SendConnector -Name "gw journal" -AddressSpaces "SMTP:{domain};1" -SmartHosts {host} -Port {port} `
    -DNSRoutingEnabled $false -RequireTLS $true -TlsAuthLevel DomainValidation -TlsDomain {host}
  New-MailContact -Name "gw journal" -ExternalEmailAddress {address}
  New-JournalRule -Name "gw journal" -JournalEmailAddress {address} -Scope Global -Enabled $true
  Set-TransportConfig -JournalingReportNdrTo OTHER-ADDRESS

{:exchange-other}
{:test-mail}: gw-store mailbox show {name}

{:from-documentation} https://learn.microsoft.com/powershell/module/exchange/ (New-SendConnector, New-MailContact, New-JournalRule, Set-TransportConfig)
)"},
    RecipeText{"postfix", R"(#!/bin/sh
# Postfix: {:postfix-does}
# {:postfix-lifetime}
set -eu
case $(postconf -h always_bcc) in
  '' | {address}) ;;
  *) echo 'always_bcc names another address already; there can be only one' >&2; exit 1 ;;
esac
# {:postfix-transport}
postconf -Me 'gw/unix = gw unix - - n - - smtp'
postconf -Pe gw/unix/smtp_tls_security_level=secure gw/unix/smtp_tls_secure_cert_match={host}
postconf -Pe gw/unix/smtp_line_length_limit=0
{?ca}postconf -Pe gw/unix/smtp_tls_CAfile={ca}
# {:postfix-maps}
maps=$(postconf -h transport_maps)
case $maps in
  *'{domain}=gw:'*) ;;
  *) postconf -e "transport_maps = inline:{ {{domain}=gw:[{host}]:{port}} } $maps" ;;
esac
postconf -e 'always_bcc = {address}'
postfix reload
)"},
    RecipeText{"exim",
               R"(# Exim: {:exim-does} /etc/exim4/gw-filter:
#   # Exim filter
#   if first_delivery then unseen deliver {address} endif
# {:exim-main}
system_filter = /etc/exim4/gw-filter
system_filter_user = Debian-exim
# {:exim-routers}
gw_journal:
  driver = manualroute
  domains = {domain}
  route_list = * {host} byname
  transport = gw_journal
# {:exim-transports}
gw_journal:
  driver = smtp
  port = {port}
  hosts_require_tls = *
  tls_verify_hosts = *
{?ca}  tls_verify_certificates = {ca}
  message_linelength_limit = 1000000
)"},
};

}  // namespace gw::vault
