// Texts of the pages on routes of gw-proxy. word_table.h explains the columns, ids and
// placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kRouteWords[] = {
    {"routes.title", "Routes", "Percorsi", "Routen"},
    {"routes.add", "Add a route", "Aggiungi un percorso", "Route hinzufügen"},
    {"routes.none",
     "There is no route yet. A route lets gw-proxy stand in front of a provider's server and keep a sealed "
     "copy "
     "of each mail that passes.",
     "Non c'è ancora nessun percorso. Con un percorso gw-proxy sta davanti al server di un fornitore e "
     "conserva "
     "una copia sigillata di ogni messaggio che passa.",
     "Es gibt noch keine Route. Mit einer Route steht gw-proxy vor dem Server eines Anbieters und behält von "
     "jeder Mail, die hindurchgeht, eine versiegelte Kopie."},
    {"routes.since-start", "Numbers are since the keeper of the vault started.",
     "I numeri valgono dall'avvio del custode della cassaforte.",
     "Die Zahlen gelten seit dem Start des Hüters des Tresors."},

    // One route: its page, and the fields of its form.
    {"route.name", "Name", "Nome", "Name"},
    {"route.name.help", "a-z, 0-9, and . _ -; at most 64. Clients may name it behind a # in their login.",
     "a-z, 0-9 e . _ -; al massimo 64. I client possono indicarlo dopo un # nel nome utente.",
     "a-z, 0-9 und . _ -; höchstens 64. Clients können sie hinter einem # in der Anmeldung nennen."},
    {"route.description", "Description", "Descrizione", "Beschreibung"},
    {"route.protocol", "Protocol", "Protocollo", "Protokoll"},
    {"route.upstream", "Upstream", "Server di destinazione", "Server dahinter"},
    {"route.upstream.help", "The provider's server, as HOST:PORT.",
     "Il server del fornitore, come HOST:PORTA.", "Der Server des Anbieters, als HOST:PORT."},
    {"route.tls", "TLS", "TLS", "TLS"},
    {"route.tls.implicit", "from the start", "dall'inizio", "von Anfang an"},
    {"route.tls.starttls", "by STARTTLS or STLS", "con STARTTLS o STLS", "mit STARTTLS oder STLS"},
    {"route.tls.none", "without: passwords and mail go in clear",
     "nessuno: password e messaggi passano in chiaro", "ohne: Passwörter und Mail gehen im Klartext"},
    {"route.ca", "CA file", "File delle CA", "CA-Datei"},
    {"route.ca.help", "A path on gw-proxy's host. Empty: the authorities that its system knows.",
     "Un percorso sull'host di gw-proxy. Vuoto: le autorità note al suo sistema.",
     "Ein Pfad auf dem Rechner von gw-proxy. Leer: die Stellen, die sein System kennt."},
    {"route.pin", "Pinned certificate", "Certificato fissato", "Festgelegtes Zertifikat"},
    {"route.pin.help", "SHA-256 of the one certificate to accept, instead of name and chain.",
     "SHA-256 dell'unico certificato accettato, al posto di nome e catena.",
     "SHA-256 des einen Zertifikats, das gilt, statt Name und Kette."},
    {"route.mailbox", "Mailbox of the copies", "Casella delle copie", "Postfach der Kopien"},
    {"route.mailbox.by-login", "by login only", "solo secondo l'utente", "nur nach Benutzername"},
    {"route.mailbox.more", "{name} and {count} by login", "{name} e {count} secondo l'utente",
     "{name} und {count} nach Benutzername"},
    {"route.map", "Mailboxes by login", "Caselle secondo l'utente", "Postfächer nach Benutzername"},
    {"route.map.help", "One PATTERN=MAILBOX on a line, as *@sales.example=sales. The first that fits counts.",
     "Un MODELLO=CASELLA per riga, ad esempio *@sales.example=sales. Vale il primo che corrisponde.",
     "Je Zeile ein MUSTER=POSTFACH, etwa *@sales.example=sales. Das erste, das passt, zählt."},
    {"route.logins", "Logins that may", "Utenti ammessi", "Zugelassene Benutzernamen"},
    {"route.logins.help", "One pattern on a line. Empty: all.", "Un modello per riga. Vuoto: tutti.",
     "Je Zeile ein Muster. Leer: alle."},
    {"route.clients", "Clients without a login", "Client senza accesso", "Clients ohne Anmeldung"},
    {"route.clients.help", "SMTP: one address or CIDR block on a line may send without a login.",
     "SMTP: un indirizzo o blocco CIDR per riga può inviare senza accesso.",
     "SMTP: je Zeile eine Adresse oder ein CIDR-Block, der ohne Anmeldung senden darf."},
    {"route.all", "all", "tutti", "alle"},
    {"route.nobody", "nobody", "nessuno", "niemand"},
    {"route.private", "The upstream may be on a private or local address",
     "Il server di destinazione può avere un indirizzo privato o locale",
     "Der Server dahinter darf eine private oder lokale Adresse haben"},
    {"route.private.short", "Private address", "Indirizzo privato", "Private Adresse"},
    {"route.private.only-unlimited", "Only an account that sees all may change this.",
     "Solo un account che vede tutto può cambiarlo.", "Das darf nur ein Konto ändern, das alles sieht."},
    {"route.on-copy-failure", "Where no copy can be kept", "Se la copia non può essere conservata",
     "Wenn keine Kopie behalten werden kann"},
    {"route.failure.refuse", "refuse the mail: the client tries again",
     "rifiuta il messaggio: il client riprova", "Mail ablehnen: der Client versucht es wieder"},
    {"route.failure.pass", "pass it on without a copy", "inoltra senza copia", "ohne Kopie weitergeben"},
    {"route.uncopied-delete", "POP3: deleting a mail without a copy",
     "POP3: cancellazione di un messaggio senza copia", "POP3: Löschen einer Mail ohne Kopie"},
    {"route.delete.copy", "copy it first", "prima copia", "erst kopieren"},
    {"route.delete.refuse", "refuse", "rifiuta", "ablehnen"},
    {"route.delete.pass", "let it happen", "consenti", "zulassen"},

    // Server statistics of a route.
    {"route.sessions", "Sessions", "Sessioni", "Sitzungen"},
    {"route.messages", "Messages", "Messaggi", "Nachrichten"},
    {"route.copies", "Copies", "Copie", "Kopien"},
    {"route.uncopied", "Without a copy", "Senza copia", "Ohne Kopie"},
    {"route.failed-logins", "Failed logins", "Accessi falliti", "Fehlanmeldungen"},
    {"route.trouble", "Last trouble", "Ultimo problema", "Letzte Störung"},
    {"route.no-trouble", "none", "nessuno", "keine"},
    {"route.settings", "Settings", "Impostazioni", "Einstellungen"},
    {"route.edit", "Edit {name}", "Modifica {name}", "{name} bearbeiten"},
    {"notice.route-removed", "The route was removed. Sessions on it go on until they end.",
     "Il percorso è stato eliminato. Le sessioni aperte continuano fino al termine.",
     "Die Route wurde entfernt. Sitzungen auf ihr laufen bis zu ihrem Ende weiter."},
    {"route.remove.title", "Remove {name}?", "Eliminare {name}?", "{name} entfernen?"},
    {"route.remove.text",
     "Clients of gw-proxy that use this route are refused from their next connection on. Copies that were "
     "kept "
     "stay in their mailboxes.",
     "I client di gw-proxy che usano questo percorso saranno rifiutati dalla prossima connessione. Le copie "
     "già "
     "conservate restano nelle loro caselle.",
     "Clients von gw-proxy, die diese Route nutzen, werden ab der nächsten Verbindung abgewiesen. Kopien, "
     "die es "
     "schon gibt, bleiben in ihren Postfächern."},
    {"route.wrong", "Nothing was changed: look at what is marked below.",
     "Nulla è stato modificato: controlla i campi segnalati.",
     "Nichts wurde geändert: Sehen Sie nach, was unten markiert ist."},

    // The test of a route's upstream (tls_report.h).
    {"probe.do", "Test now", "Prova adesso", "Jetzt prüfen"},
    {"probe.title", "Test of {name}", "Prova di {name}", "Prüfung von {name}"},
    {"probe.good", "gw-proxy can use this upstream: connected in {took} ms.",
     "gw-proxy può usare questo server: connesso in {took} ms.",
     "gw-proxy kann diesen Server nutzen: verbunden in {took} ms."},
    {"probe.bad", "gw-proxy cannot use this upstream:", "gw-proxy non può usare questo server:",
     "gw-proxy kann diesen Server nicht nutzen:"},
    {"probe.address", "Connected to", "Connesso a", "Verbunden mit"},
    {"probe.version", "TLS version", "Versione TLS", "TLS-Version"},
    {"probe.cipher", "Cipher", "Cifratura", "Verschlüsselung"},
    {"probe.certificate", "Certificate", "Certificato", "Zertifikat"},
    {"probe.subject", "Subject", "Soggetto", "Inhaber"},
    {"probe.issuer", "Issuer", "Emittente", "Aussteller"},
    {"probe.names", "Names", "Nomi", "Namen"},
    {"probe.valid", "Valid", "Validità", "Gültig"},
    {"probe.valid.span", "{from} to {to}", "dal {from} al {to}", "{from} bis {to}"},
    {"probe.sha256", "SHA-256", "SHA-256", "SHA-256"},
    {"probe.verdict", "Name and chain", "Nome e catena", "Name und Kette"},
    {"probe.verdict.good", "accepted", "accettati", "anerkannt"},
    {"probe.verdict.pinned", "not asked: the certificate is pinned",
     "non verificati: il certificato è fissato", "nicht geprüft: das Zertifikat ist festgelegt"},
    {"probe.capabilities", "What the server offers", "Cosa offre il server", "Was der Server anbietet"},
    {"probe.no-tls", "no TLS", "nessun TLS", "kein TLS"},
    {"probe.connection", "Connection", "Connessione", "Verbindung"},
};

}  // namespace gw::web
