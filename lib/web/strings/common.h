// Texts that several pages use: navigation, buttons, states, errors and units. string_table.h
// explains the columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kCommonWords[] = {
    {"app.name", "gw console", "Console gw", "gw-Konsole"},
    {"app.skip", "Skip to the content", "Vai al contenuto", "Zum Inhalt springen"},
    {"app.language", "Language", "Lingua", "Sprache"},

    // The side navigation (layout.cc).
    {"nav.main", "Main navigation", "Navigazione principale", "Hauptnavigation"},
    {"nav.menu", "Menu", "Menu", "Menü"},
    {"nav.overview", "Overview", "Panoramica", "Übersicht"},
    {"nav.mailboxes", "Mailboxes", "Caselle", "Postfächer"},
    {"nav.routes", "Routes", "Percorsi", "Routen"},
    {"nav.events", "Events", "Eventi", "Ereignisse"},
    {"nav.administrators", "Accounts", "Account", "Konten"},
    {"nav.tokens", "API tokens", "Token API", "API-Token"},
    {"nav.about", "About", "Informazioni", "Info"},
    {"nav.account", "Your account", "Il tuo account", "Ihr Konto"},

    // Buttons.
    {"do.save", "Save", "Salva", "Speichern"},
    {"do.cancel", "Cancel", "Annulla", "Abbrechen"},
    {"do.copy", "Copy", "Copia", "Kopieren"},
    {"do.copied", "Copied", "Copiato", "Kopiert"},
    {"do.back", "Back", "Indietro", "Zurück"},
    {"do.edit", "Edit", "Modifica", "Bearbeiten"},
    {"do.remove", "Remove", "Elimina", "Löschen"},
    {"do.add", "Add", "Aggiungi", "Hinzufügen"},
    {"do.continue", "Continue", "Continua", "Weiter"},
    {"do.next", "Next page", "Pagina successiva", "Nächste Seite"},
    {"do.filter", "Filter", "Filtra", "Filtern"},
    {"filter.show", "Filter", "Filtro", "Filter"},

    // Values of facts.
    {"yes", "yes", "sì", "ja"},
    {"no", "no", "no", "nein"},
    {"none", "none", "nessuno", "keine"},
    {"never", "never", "mai", "nie"},
    {"on", "on", "attivo", "an"},
    {"off", "off", "non attivo", "aus"},

    // States of a message; the ids end in the state's name, since message_parts.cc composes them.
    {"state.live", "waiting", "in attesa", "wartend"},
    {"state.pending", "pending", "in sospeso", "ausstehend"},
    {"state.unconfirmed", "unconfirmed", "non confermato", "unbestätigt"},
    {"state.drained", "drained", "prelevato", "abgeholt"},
    {"state.quarantined", "quarantined", "in quarantena", "in Quarantäne"},
    {"status.active", "active", "attiva", "aktiv"},
    {"status.suspended", "suspended", "sospesa", "angehalten"},

    // Roles of an account; the ids end in the role's name.
    {"role.viewer", "viewer", "visualizzatore", "Betrachter"},
    {"role.operator", "operator", "operatore", "Operator"},
    {"role.administrator", "administrator", "amministratore", "Administrator"},

    // Error pages; the ids end in the HTTP status. A status without a text shows `error.500`.
    {"error.title.403", "Not allowed", "Non consentito", "Nicht erlaubt"},
    {"error.title.404", "Not found", "Non trovato", "Nicht gefunden"},
    {"error.title", "The operation failed", "Operazione non riuscita", "Vorgang fehlgeschlagen"},
    {"error.400", "The request is not valid.", "La richiesta non è valida.", "Die Anfrage ist ungültig."},
    {"error.403", "Your account does not have permission to do this.",
     "Il tuo account non ha l'autorizzazione per questa operazione.", "Ihr Konto ist dazu nicht berechtigt."},
    {"error.403.form",
     "This form has expired or was not sent from this console. Nothing was changed. Reload the page and try "
     "again.",
     "Questo modulo è scaduto o non proviene da questa console. Nulla è stato modificato. Ricarica la pagina "
     "e ripeti l'operazione.",
     "Dieses Formular ist abgelaufen oder stammt nicht von dieser Konsole. Es wurde nichts geändert. Laden "
     "Sie die Seite neu und wiederholen Sie die Eingabe."},
    {"error.404", "This page does not exist, or your account does not have access to it.",
     "La pagina non esiste oppure il tuo account non vi ha accesso.",
     "Diese Seite gibt es nicht, oder Ihr Konto hat keinen Zugriff darauf."},
    {"error.405", "This action is not possible here.", "Operazione non consentita qui.",
     "Diese Aktion ist hier nicht möglich."},
    {"error.409",
     "Someone else has changed this in the meantime. Check the current settings, then try again.",
     "Nel frattempo qualcun altro ha modificato questi dati. Controlla i valori attuali e ripeti "
     "l'operazione.",
     "Diese Daten wurden inzwischen von jemand anderem geändert. Prüfen Sie die aktuellen Werte und "
     "wiederholen Sie die Eingabe."},
    {"error.421", "This console cannot be reached under this host name.",
     "Questa console non è raggiungibile con questo nome host.",
     "Diese Konsole ist unter diesem Hostnamen nicht erreichbar."},
    {"error.429", "Too many attempts. Wait a moment, then try again.",
     "Troppi tentativi. Attendi un momento e riprova.",
     "Zu viele Versuche. Warten Sie einen Augenblick und versuchen Sie es erneut."},
    {"error.500", "An internal error occurred. The log of gw-webd has the details.",
     "Si è verificato un errore interno. I dettagli sono nel registro di gw-webd.",
     "Ein interner Fehler ist aufgetreten. Einzelheiten stehen im Protokoll von gw-webd."},
    {"error.503", "The vault service (gw-store) does not respond. Nothing is lost; try again.",
     "Il servizio della cassaforte (gw-store) non risponde. Nulla è andato perso; riprova.",
     "Der Tresordienst (gw-store) antwortet derzeit nicht. Es ist nichts verloren; versuchen Sie es erneut."},
    // Errors that share their HTTP status with one of the above.
    {"error.exists", "This name or address is already in use. Choose another one.",
     "Questo nome o indirizzo è già in uso. Scegline un altro.",
     "Dieser Name oder diese Adresse ist bereits vergeben. Wählen Sie etwas anderes."},
    {"error.busy",
     "Another operation is in progress, or too many are running at the same time. Nothing is lost; try again "
     "in a moment.",
     "È in corso un'altra operazione, oppure ce ne sono troppe contemporaneamente. Nulla è andato perso; "
     "riprova tra qualche istante.",
     "Es läuft gerade ein anderer Vorgang, oder es sind zu viele gleichzeitig. Es ist nichts verloren; "
     "versuchen Sie es in Kürze erneut."},
    {"error.full", "The disk of the vault is full. Free some space, then try again.",
     "Il disco della cassaforte è pieno. Libera spazio e riprova.",
     "Der Datenträger des Tresors ist voll. Schaffen Sie Platz, und versuchen Sie es dann erneut."},
    {"error.quota", "The mailbox has reached its quota. Drain or remove messages, or raise the quota.",
     "La casella ha raggiunto la sua quota. Preleva o elimina dei messaggi, oppure aumenta la quota.",
     "Das Postfach hat sein Kontingent erreicht. Holen Sie Nachrichten ab, löschen Sie welche, oder erhöhen "
     "Sie das Kontingent."},
    {"error.again", "Try again", "Riprova", "Erneut versuchen"},
    {"error.home", "Go to the overview", "Vai alla panoramica", "Zur Übersicht"},
    {"error.detail", "Details", "Dettagli", "Einzelheiten"},

    // Secrets that are shown once (proposed_secret() in widgets.h).
    {"once.warning",
     "This is shown only once and is not stored. Save it in a safe place now: it takes effect when you "
     "submit this form.",
     "Questo dato viene mostrato una sola volta e non viene conservato. Salvalo subito in un luogo sicuro: "
     "sarà valido appena invii questo modulo.",
     "Diese Angabe wird nur einmal angezeigt und nirgends gespeichert. Legen Sie sie jetzt an einem sicheren "
     "Ort ab; gültig wird sie, sobald Sie dieses Formular absenden."},
    {"once.not-kept", "Nothing was changed. First confirm that you have saved it in a safe place.",
     "Nulla è stato modificato. Conferma prima di aver salvato il dato in un luogo sicuro.",
     "Es wurde nichts geändert. Bestätigen Sie zuerst, dass Sie die Angabe an einem sicheren Ort abgelegt "
     "haben."},
    {"once.unknown",
     "The vault service did not respond in time. Either the new password or the old one is valid: try both.",
     "Il servizio della cassaforte non ha risposto in tempo. È valida la nuova password oppure la vecchia: "
     "prova entrambe.",
     "Der Tresordienst hat nicht rechtzeitig geantwortet. Es gilt entweder das neue oder das alte Passwort: "
     "Versuchen Sie beide."},
    {"once.kept", "I have saved it in a safe place.", "Ho salvato il dato in un luogo sicuro.",
     "Ich habe die Angabe an einem sicheren Ort abgelegt."},

    // Notices after a change: `?done=saved` in the address shows `notice.saved` (layout.h).
    {"notice.saved", "Changes saved.", "Modifiche salvate.", "Änderungen gespeichert."},
    {"notice.removed", "Removed.", "Eliminazione completata.", "Löschung abgeschlossen."},

    // Times relative to now, and spans in their largest unit (Words::ago(), Words::span()).
    {"time.now", "just now", "adesso", "gerade eben"},
    {"time.ago", "{span} ago", "{span} fa", "vor {span}"},
    {"time.in", "in {span}", "tra {span}", "in {span}"},
    {"unit.seconds", "{count}\u00a0s", "{count}\u00a0s", "{count}\u00a0s"},
    {"unit.minutes", "{count}\u00a0min", "{count}\u00a0min", "{count}\u00a0Min."},
    {"unit.hours", "{count}\u00a0h", "{count}\u00a0h", "{count}\u00a0Std."},
    {"unit.days", "{count}\u00a0days", "{count}\u00a0giorni", "{count}\u00a0Tage"},
    {"unit.days.dative", "{count}\u00a0days", "{count}\u00a0giorni", "{count}\u00a0Tagen"},
    {"unit.months", "{count}\u00a0months", "{count}\u00a0mesi", "{count}\u00a0Monate"},
    {"unit.months.dative", "{count}\u00a0months", "{count}\u00a0mesi", "{count}\u00a0Monaten"},
    {"unit.years", "{count}\u00a0years", "{count}\u00a0anni", "{count}\u00a0Jahre"},
    {"unit.years.dative", "{count}\u00a0years", "{count}\u00a0anni", "{count}\u00a0Jahren"},
};

}  // namespace gw::web
