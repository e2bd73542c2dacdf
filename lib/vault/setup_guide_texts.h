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
               R"(# getmail 6: ~/.config/getmail/getmailrc, mode 0600. {:password}
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
               R"(# fetchmail: ~/.fetchmailrc, mode 0600. {:password}
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
    RecipeText{"mpop", R"(# mpop: ~/.mpoprc, mode 0600. {:password}
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
# curl, mode 0700. {:password}
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

  Archive Email, Create Profile, and there the profile for a gateway or POP3 mailbox
  host                {host}
  port                {port}
  protocol            POP3 with SSL from the start
  user name           {user}
  password            the mailbox's password
  after archiving     delete mail from the mailbox

Journal reports (Microsoft 365, Exchange): choose the source type that reads them, so that senders and recipients
come from the report. Mail that cannot be assigned stays here until it can.
{:kept-by}.
)",
               R"(MailStore Server, una casella che viene svuotata via POP3:

  Archive Email, Create Profile: lì il profilo per un gateway o una casella POP3
  host                {host}
  porta               {port}
  protocollo          POP3 con SSL fin dall'inizio
  nome utente         {user}
  password            la password della casella
  dopo l'archiviaz.   eliminare i messaggi dalla casella

Rapporti di journaling (Microsoft 365, Exchange): scegli il tipo di origine che li legge, così mittente e destinatari
vengono presi dal rapporto. I messaggi che non si possono assegnare restano qui finché non è possibile.
{:kept-by}.
)",
               R"(MailStore Server, ein Postfach, das über POP3 geleert wird:

  Archive Email, Create Profile, dort das Profil für ein Gateway oder ein POP3-Postfach
  Host                {host}
  Port                {port}
  Protokoll           POP3 mit SSL von Anfang an
  Benutzername        {user}
  Passwort            das Passwort des Postfachs
  nach Archivierung   Nachrichten aus dem Postfach löschen

Journalberichte (Microsoft 365, Exchange): Wählen Sie die Quelle, die solche Berichte liest, damit Absender und
Empfänger aus dem Bericht kommen. Was nicht zugeordnet werden kann, bleibt hier, bis es das kann.
{:kept-by}.
)"},
    RecipeText{"piler", R"(#!/bin/sh
# piler: {:piler-does}
# {:piler-run}
# /etc/gw/{name}.password: {:password-file}
# {:kept}.
set -eu
export_to=/var/piler/gw/{name}
mkdir -p "$export_to"
gw-export {name} --to "$export_to" --format eml --remove --resume --manifest "$export_to/manifest.jsonl" \
  --password-file /etc/gw/{name}.password
pilerimport -d "$export_to"
)"},
    RecipeText{"openarchiver", R"(#!/bin/sh
# OpenArchiver: {:openarchiver-does}
# /etc/gw/{name}.password: {:password-file}
# {:kept}.
set -eu
gw-export {name} --to "{name}-$(date +%Y-%m-%d).zip" --format zip --remove --password-file /etc/gw/{name}.password
)"},
};

inline constexpr std::array kSenderRecipes{
    RecipeText{"microsoft365", R"(Microsoft 365, journaling to this gateway:

1. Exchange admin centre, Mail flow, Connectors: a connector from Office 365 to a partner organisation,
     used for mail to the domain   {domain}
     routed to the smart host      {host} (port {port})
     security                      always TLS, with a certificate of a public authority that names {host}
2. Purview, Data lifecycle management, Exchange (legacy), settings: "Send undeliverable journal reports to" an address
   outside Exchange Online, best at another provider. Reports that cannot be delivered for long end there.
3. Journal rules, new rule:
     send journal reports to       {address}
     messages to journal           all
4. Send a test mail, then: gw-store mailbox show {name}

Reports can be larger than the largest mail: `max-size` in gw.toml must be beyond 150 MiB (the default is).
Sources are 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48 (check them at
Microsoft; all its customers send from there):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48
)",
               R"(Microsoft 365, journaling verso questo gateway:

1. Exchange admin center, Mail flow, Connectors: un connettore da Office 365 a un'organizzazione partner,
     usato per la posta verso il dominio   {domain}
     instradato allo smart host            {host} (porta {port})
     sicurezza                             sempre TLS, con il certificato di un'autorità pubblica che riporta {host}
2. Purview, Data lifecycle management, Exchange (legacy), impostazioni: "Send undeliverable journal reports to" un
   indirizzo esterno a Exchange Online, meglio se presso un altro fornitore. Lì finiscono i rapporti che a lungo non si
   riescono a consegnare.
3. Journal rules, nuova regola:
     invia i rapporti di journaling a      {address}
     messaggi da registrare                tutti
4. Invia un messaggio di prova, poi: gw-store mailbox show {name}

I rapporti possono superare la dimensione massima di un messaggio: `max-size` in gw.toml deve essere oltre 150 MiB (il
valore predefinito lo è).
Gli indirizzi di origine sono 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48
2a01:111:f403::/48 (verificali presso Microsoft; da lì inviano tutti i suoi clienti):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48
)",
               R"(Microsoft 365, Journaling zu diesem Gateway:

1. Exchange admin center, Mail flow, Connectors: ein Connector von Office 365 zu einer Partnerorganisation,
     für Mail an die Domäne            {domain}
     weitergeleitet an den Smarthost   {host} (Port {port})
     Sicherheit                        immer TLS, mit dem Zertifikat einer öffentlichen Stelle, das {host} nennt
2. Purview, Data lifecycle management, Exchange (legacy), Einstellungen: "Send undeliverable journal reports to" eine
   Adresse außerhalb von Exchange Online, am besten bei einem anderen Anbieter. Dort enden Berichte, die lange nicht
   zugestellt werden können.
3. Journal rules, neue Regel:
     Journalberichte senden an         {address}
     Nachrichten für das Journal       alle
4. Eine Testmail senden, dann: gw-store mailbox show {name}

Berichte können größer sein als die größte Mail: `max-size` in gw.toml muss über 150 MiB liegen (die Vorgabe tut das).
Absenderadressen sind 40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48
(prüfen Sie sie bei Microsoft; alle seine Kunden senden von dort):
  gw-store mailbox set {name} --allow 40.92.0.0/15 --allow 40.107.0.0/16 --allow 52.100.0.0/14 --allow 104.47.0.0/17 \
    --allow 2a01:111:f400::/48 --allow 2a01:111:f403::/48
)"},
    RecipeText{"google", R"(Google Workspace, third-party email archiving to this gateway:

1. Admin console, Apps, Google Workspace, Gmail, Routing, Third-party email archiving: add
     {address}
2. The domain {domain} needs an MX record that leads to {host}, port {port}.
3. Gmail's TLS compliance asks for a certificate of a public authority that names {host}; a self-made one fails there.
4. Send a test mail, then: gw-store mailbox show {name}

Google tries again for 8 days after a 4xx and never after a 5xx: gw-store doctor names senders that heard one.
)",
               R"(Google Workspace, archiviazione email di terze parti verso questo gateway:

1. Admin console, Apps, Google Workspace, Gmail, Routing, Third-party email archiving: aggiungi
     {address}
2. Il dominio {domain} deve avere un record MX che porta a {host}, porta {port}.
3. La conformità TLS di Gmail chiede il certificato di un'autorità pubblica che riporta {host}; uno autofirmato lì non
   basta.
4. Invia un messaggio di prova, poi: gw-store mailbox show {name}

Dopo un 4xx Google riprova per 8 giorni, dopo un 5xx mai più: gw-store doctor elenca i mittenti che ne hanno ricevuto uno.
)",
               R"(Google Workspace, E-Mail-Archivierung durch Dritte zu diesem Gateway:

1. Admin console, Apps, Google Workspace, Gmail, Routing, Third-party email archiving: hinzufügen
     {address}
2. Die Domäne {domain} braucht einen MX-Eintrag, der zu {host} führt, Port {port}.
3. Gmails TLS-Vorgaben verlangen das Zertifikat einer öffentlichen Stelle, das {host} nennt; ein selbst gemachtes genügt
   dort nicht.
4. Eine Testmail senden, dann: gw-store mailbox show {name}

Google versucht es nach einem 4xx 8 Tage lang erneut, nach einem 5xx nie: gw-store doctor nennt Absender, die einen hörten.
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
)"},
    RecipeText{"postfix", R"(# Postfix: {:postfix-does}
always_bcc = {address}
transport_maps = inline:{ {{domain}=smtp:[{host}]:{port}} }
smtp_tls_policy_maps = inline:{ {[{host}]:{port}=secure match={host}} }
smtp_tls_security_level = may
{?ca}smtp_tls_CAfile = {ca}
# {:as-they-are}
smtp_line_length_limit = 0
message_drop_headers =
cleanup_replace_stray_cr_lf = no
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
