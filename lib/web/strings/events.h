// Texts of the pages on events, checkpoints and the test delivery. string_table.h explains the
// columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kEventWords[] = {
    {"events.title", "Events", "Eventi", "Ereignisse"},
    {"events.of", "History", "Cronologia", "Verlauf"},
    {"events.vault", "Vault", "Cassaforte", "Tresor"},
    {"events.type", "Event", "Evento", "Ereignis"},
    {"events.type.all", "all", "tutti", "alle"},
    {"events.since", "From", "Dal giorno", "Ab"},
    {"events.until", "To", "Al giorno", "Bis"},
    {"events.message", "Message ID", "ID del messaggio", "Nachrichten-ID"},
    {"events.actor", "User", "Utente", "Benutzer"},
    {"events.change", "Change", "Modifica", "Änderung"},
    {"events.export", "Download what the filter matches:", "Scarica quanto corrisponde al filtro:",
     "Passende Einträge herunterladen:"},
    // Who caused an entry. The last words of the ids are those of vault/change_note.h.
    {"events.by.console", "console, from {address}", "console, da {address}", "Konsole, von {address}"},
    {"events.by.api", "API token, from {address}", "token API, da {address}", "API-Token, von {address}"},
    {"events.by.smtp", "SMTP from {address}", "SMTP da {address}", "SMTP von {address}"},
    {"events.by.pop3", "POP3 from {address}", "POP3 da {address}", "POP3 von {address}"},
    {"events.by.proxy", "POP3 proxy, from {address}", "proxy POP3, da {address}",
     "POP3-Proxy, von {address}"},
    {"events.by.lost", "connection lost", "connessione interrotta", "Verbindung abgebrochen"},
    {"events.by.with", "with {program}", "con {program}", "mit {program}"},
    {"events.object.route", "route", "percorso", "Route"},
    {"events.object.mailbox", "mailbox", "casella", "Postfach"},
    {"events.object.account", "account", "account", "Konto"},
    {"events.object.token", "token", "token", "Token"},
    {"events.object.vault", "vault", "cassaforte", "Tresor"},
    {"events.change.shown", "shown in the console", "mostrato nella console", "in der Konsole angezeigt"},
    {"events.change.attachment downloaded", "attachment downloaded", "allegato scaricato",
     "Anhang heruntergeladen"},
    {"events.change.downloaded", "downloaded", "scaricato", "heruntergeladen"},
    {"events.change.added", "added", "aggiunto", "hinzugefügt"},
    {"events.change.removed", "removed", "eliminato", "gelöscht"},
    {"events.change.disabled", "disabled", "disattivato", "deaktiviert"},
    {"events.change.enabled", "enabled", "riattivato", "aktiviert"},
    {"events.change.revoked", "revoked", "revocato", "widerrufen"},
    {"events.change.password changed", "password changed", "password modificata", "Passwort geändert"},
    {"events.change.password reset", "password reset", "password reimpostata", "Passwort zurückgesetzt"},
    {"events.time", "Time", "Data e ora", "Zeitpunkt"},
    {"events.about", "About", "Riferimento", "Betrifft"},
    {"events.seq", "Number", "Numero", "Nummer"},
    {"events.none", "No matching events.", "Nessun evento corrispondente.", "Keine passenden Ereignisse."},
    {"events.nothing", "Your account cannot see any mailbox, and therefore no history.",
     "Il tuo account non vede nessuna casella, quindi nessuna cronologia.",
     "Ihr Konto sieht kein Postfach und daher auch keinen Verlauf."},
    {"events.older", "Older", "Precedenti", "Ältere"},
    {"events.more", "Only part of the history was searched. Older events may match too.",
     "È stata esaminata solo una parte della cronologia. Possono corrispondere anche eventi precedenti.",
     "Es wurde nur ein Teil des Verlaufs durchsucht. Auch ältere Ereignisse können passen."},
    {"events.wrong-filter", "A filter field is not valid and was ignored.",
     "Un campo del filtro non è valido ed è stato ignorato.",
     "Ein Feld des Filters ist ungültig und wurde ignoriert."},

    // Types of history entries; the ids end in the name of store::LeafType, since pages/events.cc
    // composes them. A type without a text is shown by its name.
    {"event.accepted", "received", "ricevuto", "empfangen"},
    {"event.pending", "copy stored, pending", "copia salvata, in sospeso", "Kopie gespeichert, ausstehend"},
    {"event.settled", "copy confirmed", "copia confermata", "Kopie bestätigt"},
    {"event.unconfirmed", "copy unconfirmed", "copia non confermata", "Kopie unbestätigt"},
    {"event.discarded", "copy discarded", "copia scartata", "Kopie verworfen"},
    {"event.drained", "drained", "prelevato", "abgeholt"},
    {"event.removed", "removed", "eliminato", "gelöscht"},
    {"event.expired", "removed after its grace period", "eliminato alla fine del periodo di recupero",
     "nach Ablauf der Rückholfrist gelöscht"},
    {"event.undeleted", "brought back", "recuperato", "zurückgeholt"},
    {"event.exported", "exported", "esportato", "exportiert"},
    {"event.quarantined", "quarantined", "messo in quarantena", "in Quarantäne verschoben"},
    {"event.released", "released from quarantine", "tolto dalla quarantena", "aus der Quarantäne entlassen"},
    {"event.interrupted", "drain interrupted", "prelievo interrotto", "Abholung abgebrochen"},
    {"event.mailbox-made", "mailbox created", "casella creata", "Postfach angelegt"},
    {"event.key", "key renewed", "chiave rinnovata", "Schlüssel erneuert"},
    {"event.slot", "password or recovery key changed", "password o chiave di recupero modificata",
     "Passwort oder Wiederherstellungsschlüssel geändert"},
    {"event.status", "status changed", "stato modificato", "Status geändert"},
    {"event.setting", "setting changed", "impostazione modificata", "Einstellung geändert"},
    {"event.refused", "sender refused", "mittente rifiutato", "Absender abgewiesen"},
    {"event.opened", "mailbox opened", "casella aperta", "Postfach geöffnet"},
    {"event.backup", "backup completed", "backup completato", "Sicherung abgeschlossen"},
    {"event.restored", "vault restored from a backup", "cassaforte ripristinata da un backup",
     "Tresor aus Sicherung wiederhergestellt"},
    {"event.verified", "vault verified", "cassaforte verificata", "Tresor geprüft"},
    {"event.vault-made", "vault created", "cassaforte creata", "Tresor angelegt"},
    {"event.mailbox-dropped", "mailbox removed", "casella eliminata", "Postfach gelöscht"},
    {"event.admin", "account or token changed", "account o token modificato", "Konto oder Token geändert"},
    {"event.route", "route changed", "percorso modificato", "Route geändert"},
    {"event.head", "head of a history signed", "stato di una cronologia firmato",
     "Stand eines Verlaufs signiert"},
    {"event.gap", "gap: entries may be missing", "lacuna: possono mancare voci",
     "Lücke: Es können Einträge fehlen"},

    // The signed tree head of the vault's history.
    {"checkpoint.title", "Checkpoint", "Checkpoint", "Prüfpunkt"},
    {"checkpoint.text",
     "A checkpoint is a signed note of the current state of the history. Keep it on another machine: "
     "gw-store verify --against can later prove that nothing older was changed or removed.",
     "Un checkpoint è una nota firmata dello stato attuale della cronologia. Conservala su un altro "
     "computer: gw-store verify --against potrà dimostrare che nulla di precedente è stato modificato o "
     "eliminato.",
     "Ein Prüfpunkt ist eine signierte Notiz über den aktuellen Stand des Verlaufs. Bewahren Sie sie auf "
     "einem anderen Computer auf: Mit gw-store verify --against lässt sich später nachweisen, dass nichts "
     "Älteres geändert oder gelöscht wurde."},
    {"checkpoint.key",
     "The signature of the note can be verified with this public key. Keep it with the note, and pass it to "
     "gw-store verify --public-key:",
     "La firma della nota si verifica con questa chiave pubblica. Conservala insieme alla nota e indicala in "
     "gw-store verify --public-key:",
     "Die Signatur der Notiz lässt sich mit diesem öffentlichen Schlüssel prüfen. Bewahren Sie ihn mit ihr "
     "auf und übergeben Sie ihn mit gw-store verify --public-key:"},
    {"checkpoint.do", "Download a checkpoint", "Scarica un checkpoint", "Prüfpunkt herunterladen"},

    // The test delivery.
    {"delivery.title", "Test delivery", "Consegna di prova", "Testzustellung"},
    {"delivery.do", "Send a test delivery", "Invia una consegna di prova", "Testzustellung senden"},
    {"delivery.text",
     "Delivers a small message to a mailbox through the SMTP server of this host and shows the complete SMTP "
     "dialog. Like any other message, it then waits for the archive.",
     "Consegna un piccolo messaggio a una casella tramite il server SMTP di questo host e mostra l'intero "
     "dialogo SMTP. Come ogni altro messaggio, resta poi in attesa dell'archivio.",
     "Stellt eine kleine Nachricht über den eigenen SMTP-Server in ein Postfach zu und zeigt den gesamten "
     "SMTP-Dialog. Wie jede andere Nachricht wartet sie dort auf das Archiv."},
    {"delivery.mailbox", "Mailbox", "Casella", "Postfach"},
    {"delivery.server", "SMTP server of this host", "Server SMTP di questo host", "Eigener SMTP-Server"},
    {"delivery.server.tls", "{address}, TLS from the start", "{address}, TLS dall'inizio",
     "{address}, TLS von Anfang an"},
    {"delivery.send", "Send", "Invia", "Senden"},
    {"delivery.arrived", "Delivered: the message was in the vault {took}\u00a0ms after its last byte.",
     "Consegnato: il messaggio era nella cassaforte {took}\u00a0ms dopo l'ultimo byte.",
     "Zugestellt: Die Nachricht war {took}\u00a0ms nach dem letzten Byte im Tresor."},
    {"delivery.not-found", "The server accepted the message, but it is not in this mailbox.",
     "Il server ha accettato il messaggio, che però non è in questa casella.",
     "Der Server hat die Nachricht angenommen, aber sie ist nicht in diesem Postfach."},
    {"delivery.failed", "The message was not delivered:", "Il messaggio non è stato consegnato:",
     "Die Nachricht wurde nicht zugestellt:"},
    {"delivery.dialog", "SMTP dialog", "Dialogo SMTP", "SMTP-Dialog"},
    {"delivery.message", "Message in the vault", "Messaggio nella cassaforte", "Nachricht im Tresor"},
    {"delivery.no-mailbox", "There is no mailbox yet to send a message to.",
     "Non c'è ancora nessuna casella a cui inviare un messaggio.",
     "Es gibt noch kein Postfach, an das eine Nachricht gesendet werden könnte."},

    // The formats of an export.
    {"events.export.csv", "CSV", "CSV", "CSV"},
    {"events.export.jsonl", "JSON Lines", "JSON Lines", "JSON Lines"},
};

}  // namespace gw::web
