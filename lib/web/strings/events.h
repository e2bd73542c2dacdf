// Texts of the pages on events, checkpoints and the test delivery. word_table.h explains the
// columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kEventWords[] = {
    {"events.title", "Events", "Eventi", "Ereignisse"},
    {"events.of", "History of", "Cronologia di", "Verlauf von"},
    {"events.vault", "the vault itself", "la cassaforte stessa", "dem Tresor selbst"},
    {"events.type", "What happened", "Cosa è successo", "Was geschah"},
    {"events.type.all", "all", "tutto", "alles"},
    {"events.since", "From day", "Dal giorno", "Ab Tag"},
    {"events.until", "To day", "Al giorno", "Bis Tag"},
    {"events.message", "Message id", "Id del messaggio", "Nachrichten-ID"},
    {"events.actor", "Who", "Chi", "Wer"},
    {"events.time", "Time", "Ora", "Zeit"},
    {"events.about", "About", "Riguardo a", "Worüber"},
    {"events.seq", "Number", "Numero", "Nummer"},
    {"events.none", "Nothing happened here that fits.", "Non è successo nulla che corrisponda.",
     "Hier geschah nichts, das passt."},
    {"events.nothing", "Your account sees no mailbox, and so no history.",
     "Il tuo account non vede nessuna casella, quindi nessuna cronologia.",
     "Ihr Konto sieht kein Postfach, also auch keinen Verlauf."},
    {"events.older", "Older", "Precedenti", "Ältere"},
    {"events.more", "There is more to look at: this page only searched a part.",
     "C'è altro da cercare: questa pagina ne ha esaminato solo una parte.",
     "Es gibt noch mehr: Diese Seite hat nur einen Teil durchsucht."},
    {"events.wrong-filter", "A field of the filter cannot be understood; it was left out.",
     "Un campo del filtro non è comprensibile; è stato ignorato.",
     "Ein Feld des Filters ist nicht verständlich; es wurde weggelassen."},

    // Types of history entries; the ids end in the name of store::LeafType, since pages_events.cc
    // composes them. A type without a text is shown by its name.
    {"event.accepted", "accepted", "accettato", "angenommen"},
    {"event.pending", "copy kept, not yet settled", "copia conservata, in attesa di esito",
     "Kopie behalten, noch offen"},
    {"event.settled", "copy settled", "copia confermata", "Kopie bestätigt"},
    {"event.unconfirmed", "copy unconfirmed", "copia non confermata", "Kopie unbestätigt"},
    {"event.discarded", "copy discarded", "copia scartata", "Kopie verworfen"},
    {"event.drained", "drained", "prelevato", "abgeholt"},
    {"event.removed", "removed", "eliminato", "entfernt"},
    {"event.expired", "swept after its grace time", "eliminato alla fine del periodo di recupero",
     "nach der Frist gelöscht"},
    {"event.undeleted", "brought back", "ripristinato", "zurückgeholt"},
    {"event.exported", "exported", "esportato", "exportiert"},
    {"event.quarantined", "quarantined", "messo in quarantena", "in Quarantäne gesetzt"},
    {"event.released", "released from quarantine", "tolto dalla quarantena", "aus der Quarantäne entlassen"},
    {"event.interrupted", "drain interrupted", "prelievo interrotto", "Abholen abgebrochen"},
    {"event.mailbox-made", "mailbox made", "casella creata", "Postfach angelegt"},
    {"event.key", "new key", "nuova chiave", "neuer Schlüssel"},
    {"event.slot", "password or recovery changed", "password o recupero modificati",
     "Passwort oder Wiederherstellung geändert"},
    {"event.status", "status changed", "stato modificato", "Zustand geändert"},
    {"event.setting", "setting changed", "impostazione modificata", "Einstellung geändert"},
    {"event.refused", "sender refused", "mittente rifiutato", "Absender abgewiesen"},
    {"event.vault-made", "vault made", "cassaforte creata", "Tresor angelegt"},
    {"event.mailbox-dropped", "mailbox removed", "casella eliminata", "Postfach entfernt"},
    {"event.admin", "account or token changed", "account o token modificato", "Konto oder Token geändert"},
    {"event.route", "route changed", "percorso modificato", "Route geändert"},
    {"event.head", "head of a history", "stato di una cronologia", "Stand eines Verlaufs"},
    {"event.gap", "gap: something may be missing", "lacuna: qualcosa può mancare",
     "Lücke: Es kann etwas fehlen"},

    // The signed tree head of the vault's history.
    {"checkpoint.title", "Checkpoint", "Checkpoint", "Prüfpunkt"},
    {"checkpoint.text",
     "A signed note of this moment: keep it elsewhere, and gw-store verify --against shows later that "
     "nothing of "
     "before was changed or taken away.",
     "Una nota firmata di questo momento: conservala altrove, e gw-store verify --against mostrerà che nulla "
     "di "
     "quanto precede è stato modificato o tolto.",
     "Eine signierte Notiz dieses Augenblicks: Bewahren Sie sie anderswo auf, und gw-store verify --against "
     "zeigt "
     "später, dass nichts von vorher geändert oder weggenommen wurde."},
    {"checkpoint.key",
     "Its signature is checked with this public key. Keep it beside the note, and give it to gw-store verify "
     "with --public-key:",
     "La firma si verifica con questa chiave pubblica. Conservala insieme alla nota e passala a gw-store "
     "verify "
     "con --public-key:",
     "Ihre Signatur wird mit diesem öffentlichen Schlüssel geprüft. Bewahren Sie ihn zusammen mit der Notiz "
     "auf "
     "und geben Sie ihn gw-store verify mit --public-key mit:"},
    {"checkpoint.do", "Download a checkpoint", "Scarica un checkpoint", "Prüfpunkt herunterladen"},

    // The test delivery.
    {"delivery.title", "Test delivery", "Consegna di prova", "Testzustellung"},
    {"delivery.do", "Send a test delivery", "Invia una consegna di prova", "Testzustellung senden"},
    {"delivery.text",
     "Brings a small mail to a mailbox through this host's own SMTP server, and shows the whole "
     "conversation. It "
     "waits there for the archive like any other mail.",
     "Porta un piccolo messaggio in una casella attraverso il server SMTP di questo host e mostra l'intero "
     "dialogo. Resta lì per l'archivio come ogni altro messaggio.",
     "Bringt eine kleine Mail durch den SMTP-Server dieses Rechners in ein Postfach und zeigt das ganze "
     "Gespräch. "
     "Sie wartet dort wie jede andere Mail auf das Archiv."},
    {"delivery.mailbox", "Mailbox", "Casella", "Postfach"},
    {"delivery.server", "SMTP server of this host", "Server SMTP di questo host",
     "SMTP-Server dieses Rechners"},
    {"delivery.server.tls", "{address}, TLS from the start", "{address}, TLS dall'inizio",
     "{address}, TLS von Anfang an"},
    {"delivery.send", "Send", "Invia", "Senden"},
    {"delivery.arrived", "It arrived: {took} ms after its last octet it was in the vault.",
     "È arrivato: {took} ms dopo l'ultimo byte era nella cassaforte.",
     "Sie ist angekommen: {took} ms nach ihrem letzten Byte lag sie im Tresor."},
    {"delivery.not-found", "The server took it, but it is not in this mailbox.",
     "Il server lo ha accettato, ma non è in questa casella.",
     "Der Server hat sie genommen, aber sie ist nicht in diesem Postfach."},
    {"delivery.failed", "It was not delivered:", "Non è stato consegnato:", "Sie wurde nicht zugestellt:"},
    {"delivery.dialog", "The conversation", "Il dialogo", "Das Gespräch"},
    {"delivery.message", "Message in the vault", "Messaggio nella cassaforte", "Nachricht im Tresor"},
    {"delivery.no-mailbox", "There is no mailbox yet that a mail could be sent to.",
     "Non c'è ancora nessuna casella a cui inviare.",
     "Es gibt noch kein Postfach, an das gesendet werden könnte."},
};

}  // namespace gw::web
