// Texts that several pages use: navigation, buttons, states, errors and units. word_table.h
// explains the columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kCommonWords[] = {
    {"app.name", "gw console", "Console gw", "gw-Konsole"},
    {"app.skip", "Skip to the content", "Vai al contenuto", "Zum Inhalt springen"},
    {"app.menu", "Menu", "Menu", "Menü"},
    {"app.language", "Language", "Lingua", "Sprache"},

    // The side navigation (layout.cc).
    {"nav.main", "Main navigation", "Navigazione principale", "Hauptnavigation"},
    {"nav.overview", "Overview", "Panoramica", "Übersicht"},
    {"nav.mailboxes", "Mailboxes", "Caselle", "Postfächer"},
    {"nav.routes", "Routes", "Percorsi", "Routen"},
    {"nav.events", "Events", "Eventi", "Ereignisse"},
    {"nav.administrators", "Administrators", "Amministratori", "Administratoren"},
    {"nav.tokens", "API tokens", "Token API", "API-Token"},
    {"nav.about", "About", "Informazioni", "Info"},
    {"nav.account", "Your account", "Il tuo account", "Ihr Konto"},

    // Buttons.
    {"do.save", "Save", "Salva", "Speichern"},
    {"do.cancel", "Cancel", "Annulla", "Abbrechen"},
    {"do.copy", "Copy", "Copia", "Kopieren"},
    {"do.copied", "Copied", "Copiato", "Kopiert"},
    {"do.back", "Back", "Indietro", "Zurück"},
    {"do.show", "Show", "Mostra", "Anzeigen"},
    {"do.edit", "Edit", "Modifica", "Bearbeiten"},
    {"do.remove", "Remove", "Elimina", "Entfernen"},
    {"do.add", "Add", "Aggiungi", "Hinzufügen"},
    {"do.confirm", "Confirm", "Conferma", "Bestätigen"},
    {"do.continue", "Continue", "Continua", "Weiter"},
    {"do.next", "Next page", "Pagina successiva", "Nächste Seite"},
    {"do.filter", "Filter", "Filtra", "Filtern"},
    {"do.download", "Download", "Scarica", "Herunterladen"},

    // Values of facts.
    {"yes", "yes", "sì", "ja"},
    {"no", "no", "no", "nein"},
    {"none", "none", "nessuno", "keine"},
    {"never", "never", "mai", "nie"},
    {"optional", "optional", "facoltativo", "optional"},
    {"on", "on", "attivo", "an"},
    {"off", "off", "non attivo", "aus"},

    // States of a message; the ids end in the state's name, since message_parts.cc composes them.
    {"state.live", "waiting", "in attesa", "wartend"},
    {"state.pending", "pending", "in sospeso", "schwebend"},
    {"state.unconfirmed", "unconfirmed", "non confermato", "unbestätigt"},
    {"state.drained", "drained", "prelevato", "abgeholt"},
    {"state.quarantined", "quarantined", "in quarantena", "in Quarantäne"},
    {"status.active", "active", "attiva", "aktiv"},
    {"status.suspended", "suspended", "sospesa", "angehalten"},

    // Roles of an account; the ids end in the role's name.
    {"role.viewer", "viewer", "osservatore", "Betrachter"},
    {"role.operator", "operator", "operatore", "Operator"},
    {"role.administrator", "administrator", "amministratore", "Administrator"},

    // Error pages; the ids end in the HTTP status. A status without a text shows `error.500`.
    {"error.title", "That did not work", "Operazione non riuscita", "Das hat nicht geklappt"},
    {"error.400", "The request cannot be understood.", "La richiesta non è comprensibile.",
     "Die Anfrage ist nicht verständlich."},
    {"error.403", "Your account may not do this.", "Il tuo account non è autorizzato a farlo.",
     "Ihr Konto darf das nicht."},
    {"error.403.form",
     "This form is too old, or did not come from this console. Nothing was changed. Open the page again and "
     "repeat what you did.",
     "Questo modulo è scaduto o non proviene da questa console. Nulla è stato modificato. Riapri la pagina e "
     "ripeti l'operazione.",
     "Dieses Formular ist zu alt oder kam nicht von dieser Konsole. Nichts wurde geändert. Öffnen Sie die "
     "Seite "
     "neu und wiederholen Sie die Eingabe."},
    {"error.404", "There is no such page, or nothing of this name that your account may see.",
     "La pagina non esiste, oppure non c'è nulla con questo nome che il tuo account possa vedere.",
     "Diese Seite gibt es nicht, oder nichts mit diesem Namen, das Ihr Konto sehen darf."},
    {"error.405", "This page does not take that.", "Questa pagina non lo accetta.",
     "Diese Seite nimmt das nicht an."},
    {"error.409", "Somebody else changed this in the meantime. Look at it again, and repeat what you did.",
     "Qualcun altro ha modificato i dati nel frattempo. Ricontrolla e ripeti l'operazione.",
     "Jemand anders hat dies inzwischen geändert. Sehen Sie es neu an und wiederholen Sie die Eingabe."},
    {"error.421", "This console is not known by that name.", "Questa console non è conosciuta con quel nome.",
     "Unter diesem Namen ist diese Konsole nicht bekannt."},
    {"error.429", "Too many attempts. Wait a moment, and try again.",
     "Troppi tentativi. Attendi un momento e riprova.",
     "Zu viele Versuche. Warten Sie einen Augenblick, und versuchen Sie es erneut."},
    {"error.500", "Something went wrong in this console. The log says more.",
     "Si è verificato un errore nella console. Il registro contiene i dettagli.",
     "In dieser Konsole ist etwas schiefgegangen. Das Protokoll sagt mehr."},
    {"error.503", "The keeper of the vault is not there at the moment. Nothing is lost; try again.",
     "Il custode della cassaforte non risponde al momento. Nulla è andato perso; riprova.",
     "Der Hüter des Tresors ist im Augenblick nicht da. Nichts ist verloren; versuchen Sie es erneut."},
    {"error.again", "Try again", "Riprova", "Erneut versuchen"},
    {"error.home", "To the overview", "Alla panoramica", "Zur Übersicht"},
    {"error.detail", "In detail", "Dettagli", "Im Einzelnen"},

    // Secrets that are shown once (proposed_secret() in widgets.h).
    {"once.warning",
     "This is shown once and kept nowhere. Put it into a safe place first: it counts from the moment when "
     "you "
     "send this form.",
     "Viene mostrato una sola volta e non viene conservato. Mettilo prima al sicuro: vale dal momento in cui "
     "invii questo modulo.",
     "Das wird nur dieses eine Mal angezeigt und nirgends aufbewahrt. Bringen Sie es zuerst an einen "
     "sicheren "
     "Ort: Es gilt, sobald Sie dieses Formular absenden."},
    {"once.not-kept", "Nothing was changed: tick first that you have put it into a safe place.",
     "Nulla è stato modificato: conferma prima di averlo messo al sicuro.",
     "Nichts wurde geändert: Bestätigen Sie zuerst, dass es an einem sicheren Ort ist."},
    {"once.unknown",
     "The vault went away before it answered. Either the new one is in force or the old one: try both.",
     "La cassaforte non ha risposto in tempo. È valida la nuova oppure la vecchia: prova entrambe.",
     "Der Tresor war weg, bevor er geantwortet hat. Es gilt das neue oder das alte: Versuchen Sie beide."},
    {"once.kept", "I have put it into a safe place.", "L'ho messo al sicuro.",
     "Ich habe es an einen sicheren Ort gebracht."},

    // Notices after a change: `?done=saved` in the address shows `notice.saved` (layout.h).
    {"notice.saved", "Saved.", "Salvato.", "Gespeichert."},
    {"notice.removed", "Removed.", "Eliminato.", "Entfernt."},

    // Times relative to now, and spans in their largest unit (Words::ago(), Words::span()).
    {"time.now", "just now", "adesso", "gerade eben"},
    {"time.ago", "{span} ago", "{span} fa", "vor {span}"},
    {"time.in", "in {span}", "tra {span}", "in {span}"},
    {"unit.seconds", "{count} s", "{count} s", "{count} s"},
    {"unit.minutes", "{count} min", "{count} min", "{count} Min."},
    {"unit.hours", "{count} h", "{count} h", "{count} Std."},
    {"unit.days", "{count} d", "{count} g", "{count} T."},
    {"unit.years", "{count} years", "{count} anni", "{count} J."},
};

}  // namespace gw::web
