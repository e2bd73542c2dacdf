// The texts of vault/recipe.h. `{host}` and the like are filled in; a line with `{?ca}` is there only where a
// CA file was named. Internal to this part.
#pragma once

#include <array>
#include <string_view>

namespace gw::vault {

struct RecipeText {
  std::string_view program;
  std::string_view text;
};

inline constexpr std::array kDrainRecipes{
    RecipeText{"getmail",
               R"(# getmail 6: ~/.config/getmail/getmailrc, mode 0600. Put the mailbox's password in.
# Drained mail can be brought back {grace}.
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
# Nothing is put in front of a mail.
delivered_to = false
received = false
read_all = true
delete = true
)"},
    RecipeText{
        "fetchmail",
        R"(# fetchmail: ~/.fetchmailrc, mode 0600. Put the mailbox's password in; add `mda "…"` for a program of yours,
# else the mail goes to the SMTP server of this host. Drained mail can be brought back {grace}.
set invisible
set no bouncemail
poll {host} protocol pop3 port {port} auth password bad-header accept
  user "{user}" password "PASSWORD"
  ssl sslproto "TLS1.2+" sslcertck
{?ca}  sslcertfile "{ca}"
  fetchall no keep no rewrite no mimedecode pass8bits
)"},
    RecipeText{"mpop", R"(# mpop: ~/.mpoprc, mode 0600. Put the mailbox's password in.
# Drained mail can be brought back {grace}.
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
# curl: one connection that fetches each mail into a file of the current folder and deletes it, all or none.
# Put the mailbox's password in; mode 0700. Drained mail can be brought back {grace}.
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
Drained mail can be brought back {grace}: gw-store message undelete.
)"},
    RecipeText{"piler", R"(#!/bin/sh
# piler: mail goes out as files, is removed here once they are synced, and is imported. Run it by cron on this host as the user of
# piler; the password is in /etc/gw/{name}.password, mode 0600, owned by that user.
# Drained mail can be brought back {grace}.
set -eu
export_to=/var/piler/gw/{name}
mkdir -p "$export_to"
gw-export {name} --to "$export_to" --format eml --remove --resume --manifest "$export_to/manifest.jsonl" \
  --password-file /etc/gw/{name}.password
pilerimport -d "$export_to"
)"},
    RecipeText{"openarchiver", R"(#!/bin/sh
# OpenArchiver takes archives of EML files: this writes one. Upload it as an ingestion source of the kind `EML import`.
# The password is in /etc/gw/{name}.password, mode 0600.
# Drained mail can be brought back {grace}.
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
)"},
    RecipeText{"google", R"(Google Workspace, third-party email archiving to this gateway:

1. Admin console, Apps, Google Workspace, Gmail, Routing, Third-party email archiving: add
     {address}
2. The domain {domain} needs an MX record that leads to {host}, port {port}.
3. Gmail's TLS compliance asks for a certificate of a public authority that names {host}; a self-made one fails there.
4. Send a test mail, then: gw-store mailbox show {name}

Google tries again for 8 days after a 4xx and never after a 5xx: gw-store doctor names senders that heard one.
)"},
    RecipeText{
        "exchange",
        R"(Exchange Server (2013 and later), journaling to this gateway; in the Exchange Management Shell:

  New-SendConnector -Name "gw journal" -AddressSpaces "SMTP:{domain};1" -SmartHosts {host} -Port {port} `
    -DNSRoutingEnabled $false -RequireTLS $true -TlsAuthLevel DomainValidation -TlsDomain {host}
  New-MailContact -Name "gw journal" -ExternalEmailAddress {address}
  New-JournalRule -Name "gw journal" -JournalEmailAddress {address} -Scope Global -Enabled $true
  Set-TransportConfig -JournalingReportNdrTo OTHER-ADDRESS

OTHER-ADDRESS gets reports that could not be delivered for two days: a mailbox that is read, outside of journaling.
Then send a test mail and look: gw-store mailbox show {name}
)"},
    RecipeText{"postfix", R"(# Postfix: a copy of every mail. In main.cf:
always_bcc = {address}
transport_maps = inline:{ {{domain}=smtp:[{host}]:{port}} }
smtp_tls_policy_maps = inline:{ {[{host}]:{port}=secure match={host}} }
smtp_tls_security_level = may
{?ca}smtp_tls_CAfile = {ca}
# Copies as they are: no line is broken, no stray line end is changed, no header is dropped.
smtp_line_length_limit = 0
message_drop_headers =
cleanup_replace_stray_cr_lf = no
)"},
    RecipeText{
        "exim",
        R"(# Exim: a copy of every mail, one for all its recipients, with its envelope sender. The file /etc/exim4/gw-filter:
#   # Exim filter
#   if first_delivery then unseen deliver {address} endif
# In the main part of the configuration:
system_filter = /etc/exim4/gw-filter
system_filter_user = Debian-exim
# Among the routers, the first:
gw_journal:
  driver = manualroute
  domains = {domain}
  route_list = * {host} byname
  transport = gw_journal
# Among the transports:
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
